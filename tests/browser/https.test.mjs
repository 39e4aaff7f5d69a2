// The same page over TLS, with a certificate that the server has made, beside clients that know no TLS.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

import { story } from './support/story.mjs';
import { until } from './support/until.mjs';

story('a browser over HTTPS, one over HTTP, and old clients share the port', { server: ['--tls', 'auto'] }, async (stage) => {
  const secure = stage.server.url.replace('http:', 'https:');
  const ana = await stage.enter('ana', { url: secure, ignoreHTTPSErrors: true });
  assert.ok(await ana.page.evaluate(() => window.isSecureContext));
  const bia = await stage.enter('bia');
  const carla = await stage.terminal('carla');
  await carla.says(/carla/);
  const old = await firstClient(stage.server.port, 'velho');

  await ana.begin('bia');
  await ana.say('por TLS');
  await bia.open('ana');
  await bia.sees('por TLS');
  await bia.say('sem TLS');
  await ana.sees('sem TLS');
  await ana.state('por TLS', 'read');

  const bytes = randomBytes(400_000);
  await ana.attach({ name: 'segredo.bin', mimeType: 'application/octet-stream', buffer: bytes });
  await bia.fileBubble('segredo.bin').waitFor();
  assert.ok(readFileSync(await bia.download('segredo.bin')).equals(bytes));

  await ana.begin('carla');
  await ana.say('oi, terminal');
  await carla.says(/oi, terminal/);
  await ana.begin('velho');
  await ana.say('oi, velho');
  await until(() => assert.match(old.heard, /"content":"oi, velho"/));
  old.say({ type: 'private_message', sender: 'velho', recipient: 'ana', content: 'olá do passado' });
  await ana.sees('olá do passado');
  old.end();

  // The session is kept over TLS too.
  await ana.page.reload();
  await ana.inside();
  await ana.opened('velho');
  await ana.sees('olá do passado');
});

/** What the first Python client does: bare objects, no newline, no id, no features. */
async function firstClient(port, username) {
  const socket = connect(port, 'localhost');
  const client = {
    heard: '',
    say: (object) => socket.write(JSON.stringify(object)),
    end: () => socket.destroy(),
  };
  socket.setEncoding('utf8').on('data', (text) => {
    client.heard += text;
  });
  client.say({ type: 'login', username });
  await until(() => assert.match(client.heard, /"status":"success"/));
  return client;
}
