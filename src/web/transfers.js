// Files on their way, as PROTOCOL.md section 6 has it: up and down in pieces, several at once, going
// on by themselves after the connection was lost. No DOM. What is to be shown as a file has the size
// and the SHA-256 that were announced.
//
// Works on anything with `request(object) -> Promise<answer>` and `on(type, listener)`: see
// connection.js. Errors are {code, message}: the server's code and sentence, or without a sentence one
// of `hash` (not what was announced), `unreadable` (the file was moved or changed meanwhile), `stalled`
// (nothing comes of it) and `internal`.

import { fromBase64, toBase64 } from './base64.js';
import { hashBlob, Sha256 } from './sha256.js';

/** Pieces of one upload on their way, as the server allows. */
const CHUNKS_ON_THEIR_WAY = 16;

/**
 * An answer that takes longer than this says that the line is thin: fewer pieces are then put on it,
 * because what people write waits behind them.
 */
const SLOW_MS = 500;

/** Unfinished uploads of a user, and downloads of a session, that the server allows. */
const AT_ONCE = 4;

/** What is asked for at once. Nobody can call back what was asked for, so cancelling waits for it. */
const RUN_BYTES = 1024 * 1024;

/** Fresh starts that bring nothing, after which a transfer has failed. */
const STARTS_IN_VAIN = 5;

/** Before asking again when the server was busy. */
const RETRY_MS = 1000;

/** One file on its way. Dispatches `change` whenever anything below changes. */
export class Transfer extends EventTarget {
  /** @type {'hashing' | 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'} */
  state = 'waiting';
  /** Bytes done; while `hashing`, bytes read. */
  sent = 0;
  /** @type {{code: string, message?: string} | null} */
  error = null;
  /** An upload's `{msg_id, ts, saved_as}`; of a download the file, a Blob. */
  result = null;
  /** All is sent and the server makes a message of it: too late to cancel. */
  ending = false;

  #onCancel;

  /**
   * @param {string} name
   * @param {number} size
   * @param {(transfer: Transfer) => void} onCancel
   */
  constructor(name, size, onCancel) {
    super();
    this.name = name;
    this.size = size;
    this.#onCancel = onCancel;
  }

  /** It has come to an end, good or bad. */
  get over() {
    return this.state === 'done' || this.state === 'failed' || this.state === 'cancelled';
  }

  /** Ends it. The server forgets what it has of it. */
  cancel() {
    if (this.over || this.ending) return;
    this.change({ state: 'cancelled' });
    this.#onCancel(this);
  }

  /** Resolves when it is over. @returns {Promise<Transfer>} */
  finished() {
    return new Promise((resolve) => {
      const look = () => this.over && resolve(this);
      this.addEventListener('change', look);
      look();
    });
  }

  /** For this module alone: what is over stays as it is. */
  change(fields) {
    if (this.over) return;
    Object.assign(this, fields);
    this.dispatchEvent(new Event('change'));
  }
}

/** All transfers of one login. */
export class Transfers {
  #connection;
  #retryMs;
  #uploads = new Lanes(AT_ONCE);
  #downloads = new Lanes(AT_ONCE);
  #hashing = new Lanes(1);
  /** Who takes the pieces of a file that is being fetched. @type {Map<number, (piece: object) => void>} */
  #takers = new Map();
  /** @type {Set<Transfer>} */
  #all = new Set();
  #open = true;
  /** How often the connection has come back. */
  #comebacks = 0;
  #whenOpen = [];
  #stopped = false;

  /**
   * @param {{request: (object: object) => Promise<object>, on: (type: string, listener: Function) => void}} connection
   * @param {{retryMs?: number}} options
   */
  constructor(connection, { retryMs = RETRY_MS } = {}) {
    this.#connection = connection;
    this.#retryMs = retryMs;
    connection.on('file_data', (piece) => this.#takers.get(piece.file_id)?.(piece));
    connection.on('close', () => {
      this.#open = false;
    });
    connection.on('open', () => {
      this.#open = true;
      this.#comebacks += 1;
      for (const goOn of this.#whenOpen.splice(0)) goOn();
    });
  }

  /**
   * Sends a file.
   * @param {{file: Blob, name: string, place: {recipient: string} | {group_name: string}}} what
   * @returns {Transfer}
   */
  upload({ file, name, place }) {
    const upload = { file, name, place, sha256: null, fileId: null, begun: false };
    const transfer = this.#new(name, file.size, () => this.#takeBack(upload));
    transfer.state = 'hashing';
    this.#run(transfer, async () => {
      upload.sha256 = await this.#hashing.through(file, transfer, () => hashed(transfer, file));
      if (transfer.over) return;
      transfer.change({ state: 'waiting', sent: 0 });
      // To the server, the same file to the same place is one upload.
      const key = JSON.stringify([place, file.size, upload.sha256]);
      await this.#uploads.through(key, transfer, () =>
        this.#untilDone(transfer, UPLOAD_MAY_PASS, () => this.#send(transfer, upload)),
      );
    });
    return transfer;
  }

  /**
   * Fetches a file.
   * @param {{file_id: number, size: number, sha256: string, name: string, type?: string}} offer
   * @returns {Transfer}
   */
  download({ file_id: fileId, size, sha256, name, type = '' }) {
    const download = { fileId, sha256, type, hash: new Sha256(), parts: [], answered: false };
    const transfer = this.#new(name, size, () => {});
    // One file is fetched once at a time: its pieces say nothing else but whose they are.
    this.#run(transfer, () =>
      this.#downloads.through(fileId, transfer, () =>
        this.#untilDone(transfer, DOWNLOAD_MAY_PASS, () => this.#fetch(transfer, download)),
      ),
    );
    return transfer;
  }

  /** Whoever was logged in goes: nothing of theirs is sent in another name. */
  stop() {
    this.#stopped = true;
    for (const transfer of this.#all) transfer.change({ state: 'cancelled' });
  }

  #new(name, size, onCancel) {
    const transfer = new Transfer(name, size, onCancel);
    this.#all.add(transfer);
    return transfer;
  }

  async #run(transfer, work) {
    try {
      await work();
    } catch (error) {
      transfer.change({ state: 'failed', error: asError(error) });
    } finally {
      this.#all.delete(transfer);
    }
  }

  /** Repeats the work until it is done, through lost connections and busy moments. */
  async #untilDone(transfer, mayPass, work) {
    let inVain = 0;
    while (!transfer.over) {
      await this.#connected();
      if (transfer.over) return;
      const { sent } = transfer;
      const comebacks = this.#comebacks;
      transfer.change({ state: 'running' });
      try {
        await work();
        return;
      } catch (error) {
        const code = error?.code;
        if (!mayPass.has(code)) throw error;
        transfer.change({ state: 'waiting' });
        if (code === 'disconnected') {
          this.#lost(comebacks);
          continue;
        }
        inVain = transfer.sent > sent ? 0 : inVain + 1;
        if (inVain === STARTS_IN_VAIN) throw code === 'rate_limited' ? error : { code: 'stalled' };
        await new Promise((resolve) => setTimeout(resolve, this.#retryMs));
      }
    }
  }

  #connected() {
    return this.#open ? undefined : new Promise((resolve) => this.#whenOpen.push(resolve));
  }

  /** A request was lost; by now the connection may be back. */
  #lost(comebacks) {
    if (comebacks === this.#comebacks) this.#open = false;
  }

  #ask(type, fields) {
    return this.#connection.request({ type, ...fields });
  }

  async #send(transfer, upload) {
    // When the answer to an end was lost, the file may be there, and beginning again would send it
    // twice. So the end is asked for first.
    const ended = transfer.ending ? await this.#endAgain(upload) : null;
    const answer = ended ?? (await this.#sendRest(transfer, upload));
    if (transfer.over) return;
    const { msg_id, ts, saved_as } = answer;
    transfer.change({ state: 'done', sent: transfer.size, result: { msg_id, ts, saved_as } });
  }

  /** The answer to an end whose first answer was lost; null when the file is not there. */
  async #endAgain(upload) {
    try {
      return await this.#ask('file_end', { file_id: upload.fileId });
    } catch (error) {
      if (error?.code === 'invalid_chunk' || error?.code === 'unknown_file') return null;
      throw error;
    }
  }

  async #sendRest(transfer, upload) {
    const begun = await this.#begin(upload);
    if (transfer.ending && begun.file_id !== upload.fileId) {
      // It came to its end between the two questions.
      const answer = await this.#endAgain(upload);
      if (answer) {
        this.#takeBack({ ...upload, fileId: begun.file_id });
        return answer;
      }
    }
    upload.fileId = begun.file_id;
    transfer.change({ sent: begun.offset, ending: false });
    await this.#sendChunks(transfer, upload, begun);
    if (transfer.over) return null;
    transfer.change({ ending: true });
    return this.#ask('file_end', { file_id: upload.fileId });
  }

  #begin(upload) {
    upload.begun = true;
    const { file, name, place, sha256 } = upload;
    return this.#ask('file_begin', { ...place, filename: name, size: file.size, sha256 });
  }

  /** Sends pieces from `offset` on, several on their way, until all are acknowledged. */
  async #sendChunks(transfer, { file, fileId }, { offset, chunk_size: chunkSize }) {
    const onTheirWay = new Set();
    let room = CHUNKS_ON_THEIR_WAY / 4;
    let trouble = null;
    for (let at = offset; at < file.size && !transfer.over && !trouble; at += chunkSize) {
      const slice = await file.slice(at, at + chunkSize).arrayBuffer();
      if (trouble || transfer.over) break;
      const data = toBase64(new Uint8Array(slice));
      const left = performance.now();
      const piece = this.#ask('file_chunk', { file_id: fileId, offset: at, data }).then(
        (ack) => {
          const slow = performance.now() - left > SLOW_MS;
          room = Math.min(Math.max(room + (slow ? -1 : 1), 1), CHUNKS_ON_THEIR_WAY);
          // What was sent is not more than there is, whatever the other side says.
          transfer.change({ sent: Math.min(Math.max(transfer.sent, ack.offset), file.size) });
        },
        (error) => {
          trouble ??= error;
        },
      );
      onTheirWay.add(piece);
      piece.finally(() => onTheirWay.delete(piece));
      while (onTheirWay.size >= room && !trouble) await Promise.race(onTheirWay);
    }
    await Promise.all(onTheirWay);
    if (trouble && !transfer.over) throw trouble;
  }

  /**
   * Makes the server forget a cancelled upload, which would otherwise take one of the user's few
   * places for a day. If its number never came, beginning again tells it.
   */
  async #takeBack(upload) {
    for (let start = 0; upload.begun && start < STARTS_IN_VAIN; start += 1) {
      await this.#connected();
      if (this.#stopped) return;
      const comebacks = this.#comebacks;
      try {
        upload.fileId ??= (await this.#begin(upload)).file_id;
        await this.#ask('file_cancel', { file_id: upload.fileId });
        return;
      } catch (error) {
        if (error?.code !== 'disconnected') return;
        this.#lost(comebacks);
      }
    }
  }

  /** Fetches what is not there yet, a run at a time, and compares the whole with the offer. */
  async #fetch(transfer, download) {
    // Even of an empty file the server says whether it is there to be seen.
    while (transfer.sent < transfer.size || !download.answered) {
      const before = transfer.sent;
      await this.#fetchRun(transfer, download);
      if (transfer.over) return;
      download.answered = true;
      if (transfer.sent === before && before < transfer.size) throw { code: 'stalled' };
    }
    if (download.hash.hex() !== download.sha256) throw { code: 'hash' };
    const result = new Blob(download.parts, { type: download.type });
    transfer.change({ state: 'done', result });
  }

  async #fetchRun(transfer, { fileId, hash, parts }) {
    const run = [];
    this.#takers.set(fileId, ({ offset, data }) => {
      // Pieces of a run that was given up may still come.
      if (transfer.over || offset !== transfer.sent) return;
      const bytes = fromBase64(data);
      if (!bytes || bytes.length === 0 || bytes.length > transfer.size - transfer.sent) return;
      hash.update(bytes);
      run.push(bytes);
      transfer.change({ sent: transfer.sent + bytes.length });
    });
    try {
      await this.#ask('file_get', { file_id: fileId, offset: transfer.sent, length: RUN_BYTES });
    } finally {
      this.#takers.delete(fileId);
      // A Blob can lie outside the page's memory.
      parts.push(new Blob(run));
    }
  }
}

/** What need not be so at the next attempt, which begins with what is there by then. */
const DOWNLOAD_MAY_PASS = new Set(['disconnected', 'rate_limited', 'stalled']);

/** For an upload also: it was dropped, or another session of the same user has gone on with it. */
const UPLOAD_MAY_PASS = new Set(['disconnected', 'rate_limited', 'invalid_chunk', 'unknown_file']);

/** So many at a time, none of the same key beside itself; the others wait their turn. */
class Lanes {
  #free;
  #keys = new Set();
  #waiting = [];

  constructor(free) {
    this.#free = free;
  }

  /** Does the work when there is a lane for it; not at all if the transfer is over by then. */
  async through(key, transfer, work) {
    const busy = () => this.#free === 0 || this.#keys.has(key);
    while (busy() && !transfer.over) await this.#turn(transfer);
    if (transfer.over) return undefined;
    this.#free -= 1;
    this.#keys.add(key);
    try {
      return await work();
    } finally {
      this.#free += 1;
      this.#keys.delete(key);
      for (const look of this.#waiting.splice(0)) look();
    }
  }

  /** Something has changed: a lane is free, or the transfer is over. */
  #turn(transfer) {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      transfer.addEventListener('change', resolve, { once: true });
    });
  }
}

async function hashed(transfer, file) {
  const goOn = (sent) => {
    transfer.change({ sent });
    return !transfer.over;
  };
  return hashBlob(file, goOn);
}

/** What people are told. A file that cannot be read any more is the platform's DOMException. */
function asError(error) {
  if (error instanceof DOMException) return { code: 'unreadable' };
  return { code: error?.code ?? 'internal', message: error?.message };
}
