// A server that keeps files as PROTOCOL.md section 6 says, and connections to it that can be cut at any
// step: before a request arrives, or after it was carried out and before its answer is there.

import { createHash } from 'node:crypto';

const CHUNK_BYTES = 100;

export class FakeServer {
  /** Unfinished uploads by number. */
  uploads = new Map();
  /** Files that became messages, by number. */
  files = new Map();
  /** Requests as they came. */
  seen = [];
  /** How often the end of an upload is still being worked on when it is asked about. */
  endingFor = 0;
  #numbers = 1;

  keep(bytes) {
    const fileId = this.#numbers++;
    this.files.set(fileId, { bytes: Buffer.from(bytes), messages: 1 });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { file_id: fileId, size: bytes.length, sha256, name: 'x.bin' };
  }

  /** Answers one request; `tell` takes the events that come before the answer. */
  handle(session, request, tell) {
    this.seen.push(request);
    return this[request.type](session, request, tell);
  }

  file_begin(session, { recipient, filename, size, sha256 }) {
    if (recipient === 'nobody') return refused('unknown_user', 'Usuário destinatário não encontrado');
    const key = JSON.stringify([recipient, filename, size, sha256]);
    let [fileId, upload] = [...this.uploads].find(([, known]) => known.key === key) ?? [];
    if (!upload) {
      if (this.uploads.size >= 4) return refused('quota_exceeded', 'Cota excedida');
      fileId = this.#numbers++;
      upload = { key, size, sha256, bytes: Buffer.alloc(0) };
      this.uploads.set(fileId, upload);
    }
    if (upload.ending > 0) return this.#stillEnding(fileId, upload);
    upload.session = session;
    return { file_id: fileId, offset: upload.bytes.length, chunk_size: CHUNK_BYTES };
  }

  file_chunk(session, { file_id, offset, data }) {
    const upload = this.uploads.get(file_id);
    if (!upload) return refused('unknown_file');
    const bytes = Buffer.from(data, 'base64');
    const fits = bytes.length > 0 && bytes.length <= CHUNK_BYTES;
    if (upload.session !== session || offset !== upload.bytes.length || !fits) {
      return refused('invalid_chunk');
    }
    upload.bytes = Buffer.concat([upload.bytes, bytes]);
    return { file_id, offset: upload.bytes.length };
  }

  file_end(session, { file_id }) {
    const upload = this.uploads.get(file_id);
    if (!upload) {
      return this.files.has(file_id) ? { msg_id: file_id, saved_as: 'x' } : refused('unknown_file');
    }
    if (upload.ending > 0) {
      this.#stillEnding(file_id, upload);
      return refused('invalid_chunk');
    }
    const { bytes, size, sha256 } = upload;
    if (bytes.length !== size || createHash('sha256').update(bytes).digest('hex') !== sha256) {
      this.uploads.delete(file_id);
      return refused('hash_mismatch', 'O arquivo chegou diferente');
    }
    if (this.endingFor > 0) {
      upload.ending = this.endingFor;
      return null;
    }
    return this.#ended(file_id, upload);
  }

  file_cancel(session, { file_id }) {
    return this.uploads.delete(file_id) ? {} : refused('unknown_file');
  }

  file_get(session, { file_id, offset = 0, length = Infinity }, tell) {
    const file = this.files.get(file_id);
    if (!file) return refused('unknown_file', 'Arquivo não encontrado');
    const end = Math.min(file.bytes.length, offset + length);
    for (let at = offset; at < end; at += CHUNK_BYTES) {
      const data = file.bytes.subarray(at, Math.min(at + CHUNK_BYTES, end)).toString('base64');
      tell({ type: 'file_data', file_id, offset: at, data, eof: at + CHUNK_BYTES >= file.bytes.length });
    }
    return { file_id, offset: end };
  }

  /** Each question finds the end a little nearer. */
  #stillEnding(fileId, upload) {
    upload.ending -= 1;
    if (upload.ending === 0) this.#ended(fileId, upload);
    return refused('rate_limited');
  }

  #ended(fileId, upload) {
    this.uploads.delete(fileId);
    this.files.set(fileId, { bytes: upload.bytes });
    return { msg_id: fileId, ts: 1, delivered: 1, saved_as: 'ana_x.bin' };
  }
}

function refused(code, message) {
  return { status: 'error', code, message };
}

/** What the page knows of its connection. `cutAt` is the step at which it breaks, once. */
export class FakeConnection {
  steps = 0;
  #listeners = new Map();
  #session = 1;
  #waiting = new Set();
  #open = true;

  constructor(server, { cutAt = Infinity, afterwards = () => {} } = {}) {
    this.server = server;
    this.cutAt = cutAt;
    this.afterwards = afterwards;
  }

  on(type, listener) {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  request(request) {
    return new Promise((resolve, reject) => {
      if (!this.#open) return reject({ code: 'disconnected' });
      const session = this.#session;
      const alive = () => this.#open && this.#session === session;
      this.#waiting.add(reject);
      // Requests arrive in order, each in a moment of its own; so do answers.
      setImmediate(() => {
        if (!alive() || this.#cut()) return;
        const events = [];
        const answer = this.server.handle(session, request, (event) => events.push(event));
        const say = () => {
          if (!alive() || this.#cut()) return;
          const event = events.shift();
          if (event) {
            this.#emit('file_data', event);
            setImmediate(say);
            return;
          }
          if (!answer) return;
          this.#waiting.delete(reject);
          if (answer.status === 'error') reject(answer);
          else resolve(answer);
        };
        setImmediate(say);
      });
    });
  }

  /** Breaks now, and comes back a little later. */
  drop() {
    this.#open = false;
    for (const reject of this.#waiting) reject({ code: 'disconnected' });
    this.#waiting.clear();
    this.#emit('close');
    setTimeout(() => {
      this.afterwards(this.server);
      this.#session += 1;
      this.#open = true;
      this.#emit('open');
    }, 5);
  }

  #cut() {
    this.steps += 1;
    if (this.steps !== this.cutAt) return false;
    this.drop();
    return true;
  }

  #emit(type, value) {
    for (const listener of this.#listeners.get(type) ?? []) listener(value);
  }
}
