// The page's SHA-256 against the vectors of FIPS 180-4 and against node's own.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { fromBase64, toBase64 } from '../../../src/web/base64.js';
import { hashBlob, Sha256 } from '../../../src/web/sha256.js';

const hash = (bytes) => new Sha256().update(bytes).hex();
const utf8 = (text) => new TextEncoder().encode(text);
const theirs = (bytes) => createHash('sha256').update(bytes).digest('hex');

test('the examples of the standard', () => {
  const vectors = {
    '': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    abc: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq:
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  };
  for (const [text, expected] of Object.entries(vectors)) assert.equal(hash(utf8(text)), expected);
  const million = new Sha256();
  for (let left = 1_000_000; left > 0; left -= 1000) million.update(utf8('a'.repeat(1000)));
  assert.equal(million.hex(), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0');
});

test('every length around a block, cut anywhere', () => {
  for (let length = 0; length <= 260; length += 1) {
    const bytes = randomBytes(length);
    const cut = (length * 7) % (length + 1);
    const cuts = new Sha256().update(bytes.subarray(0, cut)).update(bytes.subarray(cut)).hex();
    assert.equal(cuts, theirs(bytes), `${length} bytes, cut at ${cut}`);
  }
});

test('a length of more than 32 bits of bits', () => {
  const mebibyte = new Uint8Array(1024 * 1024).fill(7);
  const [ours, other] = [new Sha256(), createHash('sha256')];
  for (let count = 0; count < 520; count += 1) {
    ours.update(mebibyte);
    other.update(mebibyte);
  }
  assert.equal(ours.hex(), other.digest('hex'));
});

test('a file is read slice by slice, and no further when nobody wants it', async () => {
  const bytes = randomBytes(2.5 * 1024 * 1024);
  const progress = [];
  const goOn = (done) => progress.push(done) < 9;
  assert.equal(await hashBlob(new Blob([bytes]), goOn), theirs(bytes));
  assert.deepEqual(progress, [1048576, 2097152, 2621440]);
  assert.equal(await hashBlob(new Blob([bytes]), () => false), null);
});

test('base64 is that of everybody else', () => {
  for (const length of [0, 1, 2, 3, 8189, 8190, 8191, 49152, 50000]) {
    const bytes = randomBytes(length);
    const text = toBase64(bytes);
    assert.equal(text, bytes.toString('base64'));
    assert.deepEqual(Buffer.from(fromBase64(text)), bytes);
  }
  for (const wrong of ['*', 'abc*', 'ç', undefined, null, 7, {}]) assert.equal(fromBase64(wrong), null);
});
