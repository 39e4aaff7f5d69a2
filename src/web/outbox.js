// Messages that the server has not acknowledged. Each is kept in this browser until it is, and sent
// again with the same `id` after every new login, so that none is lost and none comes twice, not
// even when the page was closed in between.

import { keep, recallAll } from './prefs.js';

/** What may be otherwise in a moment: the message goes on waiting. */
const PASSING = new Set([
  'disconnected', 'rate_limited', 'storage_unavailable', 'shutting_down', 'server_full', 'internal',
]);
const AGAIN_MS = 4_000;

export class Outbox {
  /** In the order of writing. Entries: {id, kind, name, content, replyTo, ts, error}. */
  entries = [];

  #me;
  #connection;
  #onChange;
  #onSent;
  #timer = null;
  #counter = 0;
  #run;

  /**
   * @param {string} me whose messages
   * @param {import('./connection.js').Connection} connection
   * @param {{change: () => void, sent: (entry: object, answer: object) => void}} calls
   */
  constructor(me, connection, { change, sent }) {
    this.#me = me;
    this.#connection = connection;
    this.#onChange = change;
    this.#onSent = sent;
    // Random for each run of the page: the server must never have seen an `id` before.
    this.#run = randomHex(12);
    this.entries = recallAll(this.#key('')).map(([, entry]) => entry)
      .sort((a, b) => a.ts - b.ts || a.order - b.order);
  }

  /** Takes a message, shows it as waiting, and sends it if there is a connection. */
  add({ kind, name, content, replyTo }) {
    const order = this.#counter++;
    const entry = { id: `${this.#run}-${order}`, kind, name, content, replyTo, ts: Date.now(), order };
    this.entries.push(entry);
    this.#save(entry);
    this.#onChange();
    this.#send(entry);
    return entry;
  }

  /** Sends everything that waits; called after each login. */
  flush() {
    clearTimeout(this.#timer);
    for (const entry of this.entries) if (!entry.error) this.#send(entry);
  }

  /** Tries again what was refused. */
  retry(id) {
    const entry = this.entries.find((other) => other.id === id);
    if (!entry) return;
    delete entry.error;
    this.#save(entry);
    this.#onChange();
    this.#send(entry);
  }

  /** It has arrived, or is not to be sent any more. */
  remove(id) {
    const index = this.entries.findIndex((entry) => entry.id === id);
    if (index < 0) return;
    this.entries.splice(index, 1);
    keep(this.#key(id), null);
    this.#onChange();
  }

  /** A group has another name now. */
  rename(from, to) {
    for (const entry of this.entries) {
      if (entry.kind !== 'g' || entry.name !== from) continue;
      entry.name = to;
      this.#save(entry);
    }
  }

  async #send(entry) {
    const { id, kind, name, content, replyTo } = entry;
    const frame = kind === 'g'
      ? { type: 'group_message', group_name: name, content, id }
      : { type: 'private_message', recipient: name, content, id };
    if (replyTo) frame.reply_to = replyTo;
    try {
      const answer = await this.#connection.request(frame);
      if (!this.entries.includes(entry)) return;
      this.remove(id);
      this.#onSent(entry, answer);
    } catch (error) {
      if (!this.entries.includes(entry)) return;
      if (error?.code === 'disconnected') return;
      if (PASSING.has(error?.code)) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.flush(), AGAIN_MS);
        return;
      }
      if (!error?.code) throw error;
      entry.error = error;
      this.#save(entry);
      this.#onChange();
    }
  }

  #key(id) {
    return `pending.${this.#me}/${id}`;
  }

  #save(entry) {
    keep(this.#key(entry.id), entry);
  }
}

/** So many random bytes, as text. (`crypto.randomUUID` is for secure pages alone.) */
export function randomHex(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return [...random].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
