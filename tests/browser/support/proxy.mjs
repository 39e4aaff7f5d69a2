// A wire between browser and server that can be cut, or stand still, at a moment of choice.

import { connect, createServer } from 'node:net';

export class Proxy {
  /** Bytes that browsers have sent. */
  fromBrowsers = 0;
  /** Bytes that the server has sent. */
  fromServer = 0;
  #server;
  #pairs = new Set();
  #cutAt = null;
  #chatDown = false;
  #held = false;

  /** Stands before a server. */
  static async before(port) {
    const proxy = new Proxy();
    proxy.#server = createServer((browser) => proxy.#join(browser, connect(port, 'localhost')));
    await new Promise((resolve) => proxy.#server.listen(0, 'localhost', resolve));
    proxy.port = proxy.#server.address().port;
    return proxy;
  }

  get url() {
    return `http://localhost:${this.port}/`;
  }

  /** Cuts as soon as the server says something with this in it, which arrives no more. */
  cutBeforeAnswer(text) {
    return this.#armed({ from: 'server', when: (bytes) => bytes.includes(text) });
  }

  /** Cuts when the browser says something next, which arrives no more. */
  cutBeforeRequest() {
    return this.#armed({ from: 'browser', when: () => true });
  }

  /** Cuts when the browser has sent so many bytes more. */
  cutAfter(count) {
    const end = this.fromBrowsers + count;
    return this.#armed({ from: 'browser', when: () => this.fromBrowsers > end });
  }

  /** Ends every connection, and lets only the page itself through until `mend`. */
  cut() {
    this.#chatDown = true;
    for (const [browser, server] of this.#pairs) {
      browser.destroy();
      server.destroy();
    }
  }

  mend() {
    this.#chatDown = false;
  }

  /** The same for what the server sends. */
  cutAfterAnswers(count) {
    const end = this.fromServer + count;
    return this.#armed({ from: 'server', when: () => this.fromServer > end });
  }

  /** Breaks nothing, but passes nothing on that the browser says after so many bytes, until `release`. */
  holdAfter(count) {
    const end = this.fromBrowsers + count;
    return this.#armed({ from: 'browser', hold: true, when: () => this.fromBrowsers > end });
  }

  release() {
    this.#held = false;
    for (const [browser] of this.#pairs) browser.resume();
  }

  close() {
    this.cut();
    this.#server.close();
  }

  /** Resolves when it has happened. */
  #armed(at) {
    return new Promise((resolve) => {
      this.#cutAt = { ...at, resolve };
    });
  }

  #join(browser, server) {
    const pair = [browser, server];
    this.#pairs.add(pair);
    const pass = (from, to, name) => {
      from.on('data', (bytes) => {
        if (name === 'browser') this.fromBrowsers += bytes.length;
        else this.fromServer += bytes.length;
        if (this.#chatDown && name === 'browser' && bytes.includes('GET /ws')) {
          browser.destroy();
          return;
        }
        const at = this.#cutAt;
        if (at?.from === name && at.when(bytes)) {
          this.#cutAt = null;
          if (at.hold) this.#held = true;
          else this.cut();
          at.resolve();
          if (!at.hold) return;
        }
        const full = !to.write(bytes);
        if (full) to.once('drain', () => this.#held && name === 'browser' || from.resume());
        if (full || (this.#held && name === 'browser')) from.pause();
      });
      from.on('error', () => {});
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    };
    pass(browser, server, 'browser');
    pass(server, browser, 'server');
  }
}
