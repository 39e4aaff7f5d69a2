// A wire between browser and server that can be cut at a moment of choice.

import { connect, createServer } from 'node:net';

export class Proxy {
  #server;
  #pairs = new Set();
  #cutAt = null;
  #down = false;

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

  /** Cuts everything as soon as the server says something that contains this, which arrives no more. */
  cutBeforeAnswer(text) {
    return this.#armed({ from: 'server', text });
  }

  /** Cuts everything when the browser says something next, which arrives no more. */
  cutBeforeRequest() {
    return this.#armed({ from: 'browser', text: '' });
  }

  /** Nobody gets through until `mend`. */
  cut() {
    this.#down = true;
    for (const [browser, server] of this.#pairs) {
      browser.destroy();
      server.destroy();
    }
  }

  mend() {
    this.#down = false;
  }

  close() {
    this.cut();
    this.#server.close();
  }

  /** Resolves when it was cut. */
  #armed(at) {
    return new Promise((resolve) => {
      this.#cutAt = { ...at, resolve };
    });
  }

  #join(browser, server) {
    const pair = [browser, server];
    if (this.#down) {
      browser.destroy();
      server.destroy();
      return;
    }
    this.#pairs.add(pair);
    const pass = (from, to, name) => {
      from.on('data', (bytes) => {
        const at = this.#cutAt;
        if (at?.from === name && bytes.includes(at.text)) {
          this.#cutAt = null;
          this.cut();
          at.resolve();
          return;
        }
        to.write(bytes);
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
