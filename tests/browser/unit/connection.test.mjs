// When the page comes back after its connection was lost.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { Connection } from '../../../src/web/connection.js';

/** The pause before a first attempt is one of the page's own. */
function isOwn({ ms }) {
  assert.ok(ms >= 250 && ms <= 750, `${ms}`);
}

let sockets;
let pauses;
const real = {};

class Socket {
  static OPEN = 1;
  readyState = Socket.OPEN;

  constructor() {
    sockets.push(this);
  }

  send() {}

  close() {}

  hear(frame) {
    this.onmessage({ data: JSON.stringify(frame) });
  }
}

beforeEach(() => {
  sockets = [];
  pauses = [];
  for (const name of ['WebSocket', 'setTimeout', 'clearTimeout', 'setInterval']) real[name] = globalThis[name];
  globalThis.WebSocket = Socket;
  globalThis.setTimeout = (go, ms) => pauses.push({ go, ms });
  globalThis.clearTimeout = () => {};
  globalThis.setInterval = () => {};
});

afterEach(() => Object.assign(globalThis, real));

/** A connection that stands. */
async function open() {
  const connection = new Connection('ws://localhost/ws');
  connection.start(async () => {});
  await sockets.at(-1).onopen();
  assert.equal(connection.state, 'open');
  return connection;
}

const stops = (more) => ({ type: 'error', status: 'error', code: 'shutting_down', message: 'Até já', ...more });

test('a server that stops says after how long to come back, and is asked then', async () => {
  const connection = await open();
  sockets[0].hear(stops({ retry_ms: 4321 }));
  assert.equal(connection.state, 'open', 'it closes the connection itself');
  sockets[0].onclose();
  assert.equal(connection.state, 'waiting');
  assert.deepEqual(pauses.map(({ ms }) => ms), [4321]);
  pauses[0].go();
  assert.equal(sockets.length, 2);
  // What it said was for one attempt; from then on the pauses are the page's own.
  sockets[1].onclose();
  isOwn(pauses[1]);
});

test('a server that says no time is asked after a pause of the own', async () => {
  for (const more of [{}, { retry_ms: 'soon' }, { retry_ms: -1 }, { retry_ms: null }]) {
    await open();
    sockets.at(-1).hear(stops(more));
    sockets.at(-1).onclose();
    isOwn(pauses.at(-1));
  }
});

test('nobody is sent away for hours', async () => {
  await open();
  sockets[0].hear(stops({ retry_ms: 1e12 }));
  sockets[0].onclose();
  assert.equal(pauses[0].ms, 60_000);
});

test('only a server that stops is believed', async () => {
  await open();
  sockets[0].hear({ type: 'error', status: 'error', code: 'rate_limited', message: 'Calma', retry_ms: 30_000 });
  sockets[0].onclose();
  isOwn(pauses[0]);
});

test('who looks at the page does not wait', async () => {
  const connection = await open();
  sockets[0].hear(stops({ retry_ms: 20_000 }));
  sockets[0].onclose();
  connection.hurry();
  assert.equal(sockets.length, 2);
});
