// SHA-256 (FIPS 180-4), fed piece by piece. The platform's own crypto.subtle.digest takes a whole
// buffer at once, and is there on https and localhost only; files are larger, and the page is also
// opened over plain http in a home network.

const BLOCK_BYTES = 64;

/** What is read from a file at once: hashed in a few milliseconds, so the page stays quick. */
const SLICE_BYTES = 1024 * 1024;

// FIPS 180-4, 4.2.2 and 5.3.3: the fractions of the cube roots of the first 64 primes, and of the
// square roots of the first 8, to 32 bits. Worked out instead of copied down.
const { constants: K, start: START } = (() => {
  const primes = [];
  for (let candidate = 2; primes.length < 64; candidate += 1) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
  return {
    constants: Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime))),
    start: Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime))),
  };
})();

/** A hash on its way. */
export class Sha256 {
  #state = Int32Array.from(START);
  #schedule = new Int32Array(64);
  #rest = new Uint8Array(BLOCK_BYTES);
  #restBytes = 0;
  #bytes = 0;

  /**
   * Takes the next bytes in.
   * @param {Uint8Array} bytes
   * @returns {this}
   */
  update(bytes) {
    this.#bytes += bytes.length;
    let at = 0;
    if (this.#restBytes > 0) {
      at = Math.min(BLOCK_BYTES - this.#restBytes, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#restBytes);
      this.#restBytes += at;
      if (this.#restBytes < BLOCK_BYTES) return this;
      this.#compress(this.#rest, 0, BLOCK_BYTES);
    }
    const whole = at + Math.floor((bytes.length - at) / BLOCK_BYTES) * BLOCK_BYTES;
    this.#compress(bytes, at, whole);
    this.#rest.set(bytes.subarray(whole));
    this.#restBytes = bytes.length - whole;
    return this;
  }

  /**
   * The hash of all bytes, in hexadecimal. Nothing can be taken in after that.
   * @returns {string}
   */
  hex() {
    // 5.1.1: a one bit, zeros, and the length in bits, so that whole blocks come out.
    const padding = new Uint8Array((this.#restBytes < 56 ? 64 : 128) - this.#restBytes);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(this.#bytes / 2 ** 29));
    view.setUint32(padding.length - 4, this.#bytes << 3);
    this.update(padding);
    return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  // 6.2.2, for the blocks from `from` to `end`. The sums of section 4.1.2 stand where they are
  // used: this is the page's hottest loop.
  #compress(bytes, from, end) {
    const state = this.#state;
    const w = this.#schedule;
    for (let at = from; at < end; at += BLOCK_BYTES) {
      for (let t = 0, i = at; t < 16; t += 1, i += 4) {
        w[t] = (bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3];
      }
      for (let t = 16; t < 64; t += 1) {
        const x = w[t - 2];
        const y = w[t - 15];
        const sigma1 = ((x >>> 17) | (x << 15)) ^ ((x >>> 19) | (x << 13)) ^ (x >>> 10);
        const sigma0 = ((y >>> 7) | (y << 25)) ^ ((y >>> 18) | (y << 14)) ^ (y >>> 3);
        w[t] = (sigma1 + w[t - 7] + sigma0 + w[t - 16]) | 0;
      }
      let a = state[0];
      let b = state[1];
      let c = state[2];
      let d = state[3];
      let e = state[4];
      let f = state[5];
      let g = state[6];
      let h = state[7];
      for (let t = 0; t < 64; t += 1) {
        const sum1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
        const choice = (e & f) ^ (~e & g);
        const t1 = (h + sum1 + choice + K[t] + w[t]) | 0;
        const sum0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
        const majority = (a & b) ^ (a & c) ^ (b & c);
        h = g;
        g = f;
        f = e;
        e = (d + t1) | 0;
        d = c;
        c = b;
        b = a;
        a = (t1 + sum0 + majority) | 0;
      }
      state[0] += a;
      state[1] += b;
      state[2] += c;
      state[3] += d;
      state[4] += e;
      state[5] += f;
      state[6] += g;
      state[7] += h;
    }
  }
}

/**
 * The SHA-256 of a file, which is never whole in memory. Between two slices the page gets to do
 * other things.
 * @param {Blob} blob
 * @param {(bytes: number) => boolean} goOn told how far it is; false ends it
 * @returns {Promise<string | null>} null when it was ended
 */
export async function hashBlob(blob, goOn = () => true) {
  const hash = new Sha256();
  for (let at = 0; at < blob.size; at += SLICE_BYTES) {
    const slice = await blob.slice(at, at + SLICE_BYTES).arrayBuffer();
    hash.update(new Uint8Array(slice));
    if (!goOn(at + slice.byteLength)) return null;
  }
  return hash.hex();
}
