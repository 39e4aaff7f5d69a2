// Stories in a real browser.
//
//     node --test tests/browser/chat.test.mjs                           one file (after cargo build)
//     node --test --test-name-pattern=typing tests/browser/*.test.mjs   stories with "typing" in their names
//     HEADED=1 node --test tests/browser/chat.test.mjs                  to look on
//     CHROMIUM=/opt/chrome/chrome node --test …                         another browser of the family
//
// A story gets a stage: a server of its own, and as many browsers, terminals and peers as it opens. All
// of them are ended with it. It fails on any error in a page's console, any uncaught error, and anything
// that the content security policy had to stop; then a picture and the console of each page are left in
// target/browser-failures/.

import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';

import { chromium } from 'playwright-core';

import { LinePeer } from './line_peer.mjs';
import { Person } from './person.mjs';
import { ROOT, Server } from './processes.mjs';
import { Proxy } from './proxy.mjs';
import { PATIENCE_MS } from './until.mjs';

const FAILURES = join(ROOT, 'target', 'browser-failures');

/** What a browser says of its own accord when a server is not there, which in some stories is meant. */
const OUTAGE = /WebSocket connection to .* failed|net::ERR_(CONNECTION|INTERNET|EMPTY_RESPONSE)/;

let launching = null;

/** The browser of this process. */
export function browser() {
  launching ??= chromium.launch({
    executablePath: executable(),
    headless: !process.env.HEADED,
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-dev-shm-usage',
    ],
  });
  return launching;
}

after(async () => {
  if (launching) await (await launching).close();
});

function executable() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  for (const candidate of [process.env.CHROMIUM, ...candidates]) {
    if (candidate && isExecutable(candidate)) return candidate;
  }
  throw new Error('no Chromium: install it (Debian: apt-get install chromium), or say CHROMIUM=path');
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} name
 * @param {{server?: string[], outages?: boolean, timeoutMs?: number}} options
 *     `server`: more arguments for it; `outages`: the server goes away on purpose
 * @param {(stage: Stage) => Promise<void>} play
 */
export function story(name, options, play) {
  const { server = [], outages = false, timeoutMs = 60_000 } = options;
  test(name, { timeout: timeoutMs }, async () => {
    const stage = new Stage(await Server.start(server));
    try {
      await play(stage);
      stage.nothingWentWrong(outages);
    } catch (error) {
      await stage.keepPictures(name);
      throw error;
    } finally {
      await stage.end();
    }
  });
}

/** What a story plays on. */
export class Stage {
  /** @type {Person[]} */
  people = [];
  #ends = [];

  constructor(server) {
    this.server = server;
  }

  /** A browser of somebody's own, with the page open. */
  async visit({ url = this.server.url, ...options } = {}) {
    const context = await (await browser()).newContext({
      locale: 'pt-BR',
      timezoneId: 'America/Sao_Paulo',
      viewport: { width: 1280, height: 800 },
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    this.#ends.push(() => context.close());
    const person = new Person(context, await context.newPage(), url);
    this.people.push(person);
    await person.goto();
    return person;
  }

  /** The same, and logged in. */
  async enter(name, options) {
    const person = await this.visit(options);
    await person.login(name);
    return person;
  }

  /** `name` in a terminal, on a pty. */
  async terminal(name) {
    return this.#toEnd(this.server.terminal(name), (program) => program.end());
  }

  /** `papo listen` for `name`. */
  listen(name, ...more) {
    return this.#toEnd(this.server.listen(name, ...more), (program) => program.end());
  }

  /** `name` over plain TCP. */
  async peer(name, fields) {
    const peer = await LinePeer.login(this.server.port, name, fields);
    return this.#toEnd(peer, () => peer.close());
  }

  /** A wire to the server that can be cut. */
  async proxy() {
    const proxy = await Proxy.before(this.server.port);
    return this.#toEnd(proxy, () => proxy.close());
  }

  nothingWentWrong(outages) {
    for (const { name, troubles } of this.people) {
      const told = troubles.filter((trouble) => !(outages && OUTAGE.test(trouble)));
      if (told.length > 0) throw new Error(`in the page of ${name}: ${told.join('\n')}`);
    }
  }

  async keepPictures(name) {
    mkdirSync(FAILURES, { recursive: true });
    const file = name.replace(/[^a-z0-9]+/gi, '-').slice(0, 80);
    for (const [index, person] of this.people.entries()) {
      const path = join(FAILURES, `${file}-${index}-${person.name ?? 'nobody'}`);
      writeFileSync(`${path}.txt`, `${person.console.join('\n')}\n\n${this.server.log}`);
      await person.page.screenshot({ path: `${path}.png` }).catch(() => {});
    }
  }

  async end() {
    for (const end of this.#ends.reverse()) await end();
    await this.server.stop('SIGKILL');
  }

  #toEnd(what, end) {
    this.#ends.push(() => end(what));
    return what;
  }
}
