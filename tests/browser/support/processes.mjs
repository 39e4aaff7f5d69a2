// The real binary: servers and terminal clients, each with a folder of its own, ended by process id.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { until } from './until.mjs';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The binary under test, which `cargo build` has made. */
export const PAPO = process.env.PAPO ?? join(ROOT, 'target', 'debug', 'papo');

const running = new Set();
const folders = [];

// Also when a test run is broken off, nothing of it stays behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const path of folders) rmSync(path, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** A temporary folder, removed when the process ends. */
export function folder() {
  const path = mkdtempSync(join(tmpdir(), 'papo-browser-'));
  folders.push(path);
  return path;
}

/** A program of which everything it says is kept. */
export class Program {
  /** All it has said to stdout and to stderr. */
  out = '';
  err = '';

  constructor(command, args, { cwd = folder(), env = {} } = {}) {
    this.cwd = cwd;
    const { PAPO_LANG, PAPO_PASSWORD, ...inherited } = process.env;
    this.child = spawn(command, args, { cwd, env: { ...inherited, PAPO_HOME: join(cwd, 'keys'), ...env } });
    running.add(this.child);
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      this.out += text;
    });
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.err += text;
    });
    // Who writes to a program that has ended learns it from `ended`.
    this.child.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.err += `${error}`;
      });
      this.child.once('close', (code, signal) => {
        running.delete(this.child);
        resolve(code ?? signal);
      });
    });
  }

  /** Waits until it has said something that matches, and gives the match. */
  says(pattern) {
    const look = () => {
      const found = this.out.match(pattern);
      if (!found) throw new Error(`${pattern} is not in: ${this.out.slice(-2000)}\n${this.err.slice(-2000)}`);
      return found;
    };
    return until(look);
  }

  /** Waits for a line of JSON for which the condition holds. */
  saysJson(condition) {
    return until(() => {
      const lines = this.out.split('\n').slice(0, -1);
      const found = lines.map((line) => JSON.parse(line)).find(condition);
      if (!found) throw new Error(`${condition} holds for none of: ${this.out.slice(-2000)}\n${this.err}`);
      return found;
    });
  }

  type(text) {
    this.child.stdin.write(text);
  }

  /** Ends it. */
  async end(signal = 'SIGTERM') {
    this.child.kill(signal);
    return this.ended;
  }
}

/** A server on a free port. */
export class Server {
  #data = folder();
  #args;
  #program;

  static async start(args = []) {
    if (!existsSync(PAPO)) throw new Error(`${PAPO} is missing: cargo build`);
    const server = new Server();
    server.#args = args;
    await server.start();
    return server;
  }

  /** Starts it, again on the same port and data if it had run before. */
  async start() {
    const listen = `localhost:${this.port ?? 0}`;
    const args = ['server', '--listen', listen, '--data', this.#data, ...this.#args];
    this.#program = new Program(PAPO, args, { cwd: this.#data });
    const [, port] = await this.#program.says(/Iniciado em \S+?:(\d+)/);
    this.port = Number(port);
  }

  /** Where its page is. */
  get url() {
    return `http://localhost:${this.port}/`;
  }

  get pid() {
    return this.#program.child.pid;
  }

  /** What it has printed. */
  get log() {
    return this.#program.out + this.#program.err;
  }

  /** Ends it: as an operator does, or with SIGKILL as a power cut does. */
  async stop(signal = 'SIGTERM') {
    await this.#program.end(signal);
  }

  /** A client in a terminal of its own: `papo --user NAME`, on a pty, as people run it. */
  terminal(user) {
    const command = [PAPO, '--user', user, '--server', `localhost:${this.port}`, '--color', 'never'];
    const pty = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
    return new Program('python3', ['-c', pty, ...command]);
  }

  /** `papo listen`, telling events as JSON; files go to `cwd`/client_downloads. */
  listen(user, ...more) {
    const args = ['listen', '--json', '--user', user, '--server', `localhost:${this.port}`, ...more];
    return new Program(PAPO, args);
  }

  /** `papo send`, which must succeed. */
  async send(user, ...what) {
    const program = new Program(PAPO, ['send', '--user', user, '--server', `localhost:${this.port}`, ...what]);
    const code = await program.ended;
    if (code !== 0) throw new Error(`papo send ended with ${code}: ${program.err}`);
  }
}
