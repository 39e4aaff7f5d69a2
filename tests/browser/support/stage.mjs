// What a story plays on: a server of its own, and whoever comes to it.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { browser } from './chromium.mjs';
import { LinePeer } from './line_peer.mjs';
import { Person } from './person.mjs';
import { ROOT } from './processes.mjs';
import { Proxy } from './proxy.mjs';
import { PATIENCE_MS } from './until.mjs';

const FAILURES = join(ROOT, 'target', 'browser-failures');

/** What a browser says of its own accord when a server is not there, which in some stories is meant. */
const OUTAGE = /WebSocket connection to .* failed|net::ERR_(CONNECTION|INTERNET|EMPTY_RESPONSE)/;

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

  /** Ana, over a wire that can be cut, and Bia have each other open, and Ana has said this. */
  async talkingOverProxy(said) {
    const proxy = await this.proxy();
    const ana = await this.enter('ana', { url: proxy.url });
    const bia = await this.enter('bia');
    await ana.begin('bia');
    await ana.say(said);
    await bia.open('ana');
    await bia.sees(said);
    return { proxy, ana, bia };
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
