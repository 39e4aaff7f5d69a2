// A client that speaks lines of JSON over TCP: fast, for setting things up, and as foreign to the page
// as a client can be.

import { connect } from 'node:net';
import { createInterface } from 'node:readline';

export class LinePeer {
  /** Events that came. */
  events = [];
  #socket;
  #waiting = new Map();
  #ids = 0;

  /** Logs in. */
  static async login(port, username, fields = {}) {
    const peer = new LinePeer();
    peer.#socket = connect(port, 'localhost');
    peer.#socket.on('error', () => {});
    createInterface({ input: peer.#socket }).on('line', (line) => peer.#take(JSON.parse(line)));
    const features = ['receipts', 'presence', 'typing', 'groups', 'chunks'];
    peer.welcome = await peer.ask({ type: 'login', username, features, ...fields });
    return peer;
  }

  /** Sends a request, and gives its answer; a refusal is thrown. */
  async ask(request) {
    this.#ids += 1;
    const id = `t${this.#ids}`;
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
    this.tell({ id, ...request });
    const said = await answer;
    if (said.status === 'error') throw Object.assign(new Error(said.message), said);
    return said;
  }

  /** Sends a request that has no answer. */
  tell(request) {
    this.#socket.write(`${JSON.stringify(request)}\n`);
  }

  say(recipient, content) {
    return this.ask({ type: 'private_message', recipient, content });
  }

  close() {
    this.#socket.destroy();
  }

  #take(frame) {
    const waiting = this.#waiting.get(frame.id);
    if (waiting && frame.status) {
      this.#waiting.delete(frame.id);
      waiting(frame);
    } else {
      this.events.push(frame);
    }
  }
}
