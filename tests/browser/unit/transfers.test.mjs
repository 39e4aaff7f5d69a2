// Files up and down, with the connection cut at every single step.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { Transfers } from '../../../src/web/transfers.js';
import { FakeConnection, FakeServer } from './fake_server.mjs';

const PLACE = { recipient: 'bia' };
const RETRY_MS = 2;

function setUp(options) {
  const server = new FakeServer();
  const connection = new FakeConnection(server, options);
  const transfers = new Transfers(connection, { retryMs: RETRY_MS });
  const upload = (bytes, name = 'x.bin', place = PLACE) =>
    transfers.upload({ file: new Blob([bytes]), name, place });
  return { server, connection, transfers, upload };
}

/** The one file that the server is to have, and nothing unfinished beside it. */
function onlyFile(server) {
  assert.equal(server.uploads.size, 0, 'nothing unfinished is left');
  assert.equal(server.files.size, 1, 'it is there once');
  return [...server.files.values()][0].bytes;
}

/** Runs until a run passes without reaching the step at which it would have been cut. */
async function cutAtEveryStep(story) {
  for (let cutAt = 1; ; cutAt += 1) {
    const connection = await story(cutAt);
    if (connection.steps < cutAt) {
      assert.ok(cutAt > 10, 'the story has steps');
      return;
    }
  }
}

test('a file goes up, and its progress is what the server has', async () => {
  const { server, upload } = setUp();
  const bytes = randomBytes(3950);
  const transfer = upload(bytes);
  const states = new Set([transfer.state]);
  const sent = [];
  transfer.addEventListener('change', () => {
    states.add(transfer.state);
    if (transfer.state === 'running') sent.push(transfer.sent);
  });
  await transfer.finished();
  assert.deepEqual([...states], ['hashing', 'waiting', 'running', 'done']);
  assert.deepEqual(sent, [...sent].sort((a, b) => a - b));
  assert.ok(sent.length > 30);
  assert.equal(transfer.sent, 3950);
  assert.equal(transfer.result.saved_as, 'ana_x.bin');
  assert.deepEqual(onlyFile(server), bytes);
});

test('an empty file goes up and down', async () => {
  const { server, transfers, upload } = setUp();
  assert.equal((await upload(Buffer.alloc(0)).finished()).state, 'done');
  assert.equal(onlyFile(server).length, 0);
  const download = await transfers.download(server.keep(Buffer.alloc(0))).finished();
  assert.equal(download.state, 'done');
  assert.equal(download.result.size, 0);
});

test('an upload survives a cut at any step, and arrives once', async () => {
  const bytes = randomBytes(730);
  await cutAtEveryStep(async (cutAt) => {
    const { server, connection, upload } = setUp({ cutAt });
    const transfer = await upload(bytes).finished();
    assert.equal(transfer.state, 'done', `cut at ${cutAt}: ${JSON.stringify(transfer.error)}`);
    assert.deepEqual(onlyFile(server), bytes, `cut at ${cutAt}`);
    return connection;
  });
});

test('an upload whose end is still being worked on when the line comes back arrives once', async () => {
  const bytes = randomBytes(250);
  for (const endingFor of [1, 2, 3, 4]) {
    const { server, connection, upload } = setUp();
    server.endingFor = endingFor;
    const transfer = upload(bytes);
    // With its answer on the way for ever, until the line breaks.
    await until(transfer, () => transfer.ending);
    setTimeout(() => connection.drop(), 5);
    await transfer.finished();
    assert.equal(transfer.state, 'done', JSON.stringify(transfer.error));
    await settled(server);
    assert.deepEqual(onlyFile(server), bytes);
  }
});

test('a server that has forgotten the upload gets it from the beginning', async () => {
  const bytes = randomBytes(900);
  await cutAtEveryStep(async (cutAt) => {
    const afterwards = (server) => server.uploads.clear();
    const { server, connection, upload } = setUp({ cutAt, afterwards });
    const transfer = await upload(bytes).finished();
    assert.equal(transfer.state, 'done', `cut at ${cutAt}: ${JSON.stringify(transfer.error)}`);
    assert.deepEqual(onlyFile(server), bytes);
    return connection;
  });
});

test('an upload goes on where the server says', async () => {
  const { server, connection, upload } = setUp();
  const bytes = randomBytes(2000);
  const transfer = upload(bytes);
  await until(transfer, () => transfer.sent >= 1000);
  connection.drop();
  await transfer.finished();
  const chunks = server.seen.filter((request) => request.type === 'file_chunk');
  // The server has taken at most what was on its way when the line broke; nothing is sent from 0 again.
  assert.equal(chunks.filter((chunk) => chunk.offset === 0).length, 1);
  assert.deepEqual(onlyFile(server), bytes);
});

test('a download survives a cut at any step', async () => {
  const bytes = randomBytes(730);
  await cutAtEveryStep(async (cutAt) => {
    const { server, connection, transfers } = setUp({ cutAt });
    const transfer = await transfers.download(server.keep(bytes)).finished();
    assert.equal(transfer.state, 'done', `cut at ${cutAt}: ${JSON.stringify(transfer.error)}`);
    assert.deepEqual(Buffer.from(await transfer.result.arrayBuffer()), bytes);
    assert.ok(server.seen.length <= 2, 'it is not asked for more often than needed');
    return connection;
  });
});

test('a download larger than a run is fetched in runs', async () => {
  const { server, transfers } = setUp();
  const bytes = randomBytes(1024 * 1024 + 5);
  const transfer = await transfers.download(server.keep(bytes)).finished();
  assert.equal(transfer.state, 'done');
  assert.deepEqual(server.seen.map((request) => request.offset), [0, 1024 * 1024]);
  assert.deepEqual(Buffer.from(await transfer.result.arrayBuffer()), bytes);
});

test('nothing is shown that is not what was announced', async () => {
  const { server, transfers } = setUp();
  const offer = server.keep(randomBytes(300));
  const wrong = [{ sha256: '0'.repeat(64) }, { size: 299 }, { size: 301 }, { size: 0 }];
  for (const fields of wrong) {
    const transfer = await transfers.download({ ...offer, ...fields }).finished();
    assert.equal(transfer.state, 'failed', JSON.stringify(fields));
    assert.ok(['hash', 'stalled'].includes(transfer.error.code));
    assert.equal(transfer.result, null);
  }
});

test('what the server refuses is told in its words', async () => {
  const { server, transfers, upload } = setUp();
  const up = await upload(randomBytes(10), 'x', { recipient: 'nobody' }).finished();
  assert.deepEqual(up.error, {
    code: 'unknown_user',
    message: 'Usuário destinatário não encontrado',
  });
  const down = await transfers.download({ ...server.keep(randomBytes(10)), file_id: 999 }).finished();
  assert.deepEqual(down.error, { code: 'unknown_file', message: 'Arquivo não encontrado' });
});

test('an upload that is cancelled leaves nothing on the server, whenever that is', async () => {
  for (let step = 1; ; step += 1) {
    const { server, connection, upload } = setUp();
    const transfer = upload(randomBytes(430));
    const { request } = connection;
    let requests = 0;
    connection.request = function counted(object) {
      requests += 1;
      const answer = request.call(this, object);
      if (requests === step) transfer.cancel();
      return answer;
    };
    await transfer.finished();
    await settled(server);
    if (transfer.state === 'done') {
      assert.ok(step > 5, 'only with all pieces on the server is it too late');
      return;
    }
    assert.equal(transfer.state, 'cancelled');
    assert.equal(server.files.size, 0);
  }
});

test('an upload that is cancelled while the line is down is forgotten when it is back', async () => {
  for (let cutAt = 1; cutAt < 8; cutAt += 1) {
    const { server, connection, upload } = setUp();
    const transfer = upload(randomBytes(730));
    connection.on('close', () => transfer.cancel());
    connection.cutAt = cutAt;
    await transfer.finished();
    assert.equal(transfer.state, 'cancelled');
    await new Promise((resolve) => setTimeout(resolve, 20));
    await settled(server);
  }
});

test('a cancelled download shows nothing', async () => {
  const { server, transfers } = setUp();
  const transfer = transfers.download(server.keep(randomBytes(5000)));
  await until(transfer, () => transfer.sent > 1000);
  transfer.cancel();
  assert.equal(transfer.state, 'cancelled');
  assert.equal(transfer.result, null);
  // Its place is free for others, and what still comes of it harms none.
  const again = await transfers.download(server.keep(randomBytes(500))).finished();
  assert.equal(again.state, 'done');
});

test('no more than four uploads at once, and all arrive', async () => {
  const { server, upload } = setUp();
  const files = Array.from({ length: 9 }, () => randomBytes(450));
  const transfers = files.map((bytes, index) => upload(bytes, `${index}.bin`));
  // The fake refuses a fifth with quota_exceeded.
  for (const transfer of transfers) {
    assert.equal((await transfer.finished()).state, 'done', JSON.stringify(transfer.error));
  }
  const kept = [...server.files.values()].map((file) => file.bytes.toString('hex')).sort();
  assert.deepEqual(kept, files.map((bytes) => bytes.toString('hex')).sort());
});

test('the same file twice to the same place is sent twice, one after the other', async () => {
  const { server, upload } = setUp();
  const bytes = randomBytes(650);
  const both = [upload(bytes), upload(bytes)];
  for (const transfer of both) assert.equal((await transfer.finished()).state, 'done');
  assert.equal(server.files.size, 2);
});

test('the same file fetched twice at once is fetched one after the other', async () => {
  const { server, transfers } = setUp();
  const offer = server.keep(randomBytes(950));
  const both = [transfers.download(offer), transfers.download(offer)];
  for (const transfer of both) assert.equal((await transfer.finished()).state, 'done');
  assert.deepEqual(server.seen.map((request) => request.offset), [0, 0]);
});

test('after the logout nothing is sent in the name of the next', async () => {
  const { server, connection, transfers, upload } = setUp();
  const transfer = upload(randomBytes(5000));
  await until(transfer, () => transfer.sent > 500);
  connection.drop();
  transfers.stop();
  assert.equal(transfer.state, 'cancelled');
  const seen = server.seen.length;
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(server.seen.length, seen);
});

test('a file that cannot be read any more fails', async () => {
  const { transfers } = setUp();
  const file = new Blob([randomBytes(300)]);
  file.slice = () => ({
    arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotReadableError')),
  });
  const transfer = await transfers.upload({ file, name: 'x', place: PLACE }).finished();
  assert.deepEqual(transfer.error, { code: 'unreadable' });
});

/** Waits until the server has nothing unfinished; fails if that never comes. */
async function settled(server) {
  for (let turn = 0; server.uploads.size > 0; turn += 1) {
    assert.ok(turn < 2000, 'an unfinished upload is left');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function until(transfer, condition) {
  return new Promise((resolve) => {
    transfer.addEventListener('change', () => condition() && resolve());
  });
}
