// Files, both ways between a browser and a terminal, and from browser to browser.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { png } from './support/picture.mjs';
import { folder } from './support/processes.mjs';
import { story } from './support/story.mjs';
import { until } from './support/until.mjs';

const hash = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** A file as the file dialog gives it to a page. */
function file(name, buffer, mimeType = 'application/octet-stream') {
  return { name, mimeType, buffer };
}

story('a file from the browser to a terminal, and one back', {}, async (stage) => {
  const carla = stage.listen('carla');
  await until(async () => {
    const watcher = await stage.peer('vigia');
    const { users } = await watcher.ask({ type: 'list_users' });
    watcher.close();
    assert.ok(users.includes('carla'));
  });
  const ana = await stage.enter('ana');
  await ana.begin('carla');
  const sent = randomBytes(700_001);
  await ana.attach(file('relatório final.pdf', sent, 'application/pdf'));
  await ana.fileBubble('relatório final.pdf').waitFor();
  const downloads = join(carla.cwd, 'client_downloads');
  await until(() => {
    const arrived = readFileSync(join(downloads, 'ana_relatório final.pdf'));
    assert.equal(hash(arrived), hash(sent));
  });
  await carla.end();

  const back = randomBytes(1_234_567);
  const path = join(folder(), 'dados.bin');
  writeFileSync(path, back);
  await stage.server.send('carla', '--file', path, 'ana');
  await ana.fileBubble('dados.bin').waitFor();
  const downloaded = readFileSync(await ana.download('dados.bin'));
  assert.equal(downloaded.length, back.length);
  assert.equal(hash(downloaded), hash(back));
});

story('a file that only says it is a picture stays to be had after the next message', {}, async (stage) => {
  const ana = await stage.enter('ana');
  (await stage.peer('bia')).close();
  await ana.begin('bia');
  await ana.attach(file('falsa.png', Buffer.from('nada disso'), 'image/png'));
  const button = ana.thread.getByRole('button', { name: ana.t.download('falsa.png') });
  await button.waitFor();
  await ana.fileBubble('falsa.png').waitFor();
  await ana.say('depois');
  await ana.state('depois', 'sent');
  assert.equal(await button.count(), 1);
});

story('a picture is shown in its place, and what only says it is one is not', {}, async (stage) => {
  const ana = await stage.enter('ana');
  const bia = await stage.enter('bia');
  await ana.begin('bia');
  await ana.say('olha só');
  await bia.open('ana');
  const evil = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
  await ana.attach(file('praia.png', png(360, 220), 'image/png'));
  await ana.attach(file('falsa.png', evil, 'image/png'), file('pagina.html', Buffer.from('<script>alert(1)</script>')));
  for (const person of [ana, bia]) {
    const picture = person.fileBubble('praia.png').or(person.page.getByRole('listitem').filter({ has: person.page.locator('img') }))
      .getByRole('img', { name: person.t.picture('praia.png') });
    await picture.waitFor();
    const { src, width, height } = await picture.evaluate((img) => ({ src: img.src, width: img.naturalWidth, height: img.naturalHeight }));
    assert.ok(src.startsWith('blob:'), src);
    assert.deepEqual([width, height], [360, 220]);
    // Not pictures: something to download, and nothing else.
    await person.thread.getByRole('button', { name: person.t.download('falsa.png') }).waitFor();
    await person.thread.getByRole('button', { name: person.t.download('pagina.html') }).waitFor();
    assert.equal(await person.thread.getByRole('img', { name: person.t.picture('falsa.png') }).count(), 0);
  }
  assert.equal(hash(readFileSync(await bia.download('falsa.png'))), hash(evil));

  // Large, in a dialog of its own, and kept from there.
  await bia.thread.getByRole('button', { name: bia.t.openPicture('praia.png') }).click();
  const dialog = bia.dialog('praia.png');
  await dialog.getByRole('img').waitFor();
  await bia.page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
});

story('an upload is cancelled, and nothing of it arrives', {}, async (stage) => {
  const proxy = await stage.proxy();
  const bia = await stage.peer('bia');
  const ana = await stage.enter('ana', { url: proxy.url });
  await ana.begin('bia');
  await ana.say('oi');
  await ana.state('oi', 'sent');
  const full = proxy.holdAfter(2_000_000);
  await ana.attach(file('enorme.iso', randomBytes(20_000_000)));
  await full;
  const bar = ana.thread.getByRole('progressbar', { name: ana.t.file('enorme.iso') });
  await until(async () => assert.ok((await bar.evaluate((element) => element.value)) > 0));
  await ana.thread.getByRole('button', { name: ana.t.cancelFile('enorme.iso') }).click();
  await bar.waitFor({ state: 'detached' });
  proxy.release();
  await ana.say('mudei de ideia');
  await until(() => assert.ok(bia.events.some((event) => event.content === 'mudei de ideia')));
  assert.ok(!bia.events.some((event) => event.type === 'file_received'));
  // Its place is free again: four others go through.
  const others = ['1.bin', '2.bin', '3.bin', '4.bin', '5.bin'].map((name) => file(name, randomBytes(200_000)));
  await ana.attach(...others);
  await until(() => {
    const names = bia.events.filter((event) => event.type === 'file_received').map((event) => event.filename);
    assert.deepEqual(names.sort(), others.map(({ name }) => name));
  });
});

story('transfers go on where they were when the line comes back', { outages: true }, async (stage) => {
  const { proxy, ana, bia } = await stage.talkingOverProxy('vai demorar');

  const size = 6_000_000;
  const bytes = randomBytes(size);
  const before = proxy.fromBrowsers;
  const cut = proxy.cutAfter(5_000_000);
  await ana.attach(file('aula.mp4', bytes));
  await cut;
  await ana.thread.getByText(ana.t.transfer.waiting).waitFor();
  proxy.mend();
  await ana.fileBubble('aula.mp4').waitFor();
  await bia.fileBubble('aula.mp4').waitFor();
  assert.equal(await bia.fileBubble('aula.mp4').count(), 1);
  // Base64 takes a third more; what was on its way when the line broke goes twice, and no more.
  const sent = proxy.fromBrowsers - before;
  assert.ok(sent < size * 4 / 3 + 1_600_000, `${sent} bytes were sent`);
  assert.equal(hash(readFileSync(await bia.download('aula.mp4'))), hash(bytes));

  // And down: through the wire that breaks.
  const down = proxy.cutAfterAnswers(3_000_000);
  const waiting = ana.page.waitForEvent('download');
  await ana.thread.getByRole('button', { name: ana.t.download('aula.mp4') }).click();
  await down;
  proxy.mend();
  const download = await waiting;
  assert.equal(hash(readFileSync(await download.path())), hash(bytes));
});

story('files are dropped and pasted', {}, async (stage) => {
  const bia = await stage.peer('bia');
  const ana = await stage.enter('ana');
  await ana.begin('bia');
  await ana.say('oi');
  const carrying = (names) => ana.page.evaluateHandle((all) => {
    const transfer = new DataTransfer();
    for (const name of all) transfer.items.add(new File([`conteúdo de ${name}`], name, { type: 'text/plain' }));
    return transfer;
  }, names);
  const middle = ana.thread.locator('.rows');
  await middle.dispatchEvent('dragover', { dataTransfer: await carrying(['solto.txt']) });
  await ana.thread.getByText(ana.t.dropHere).waitFor();
  await middle.dispatchEvent('drop', { dataTransfer: await carrying(['solto.txt', 'outro.txt']) });
  await ana.field.evaluate((field, clipboardData) => {
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }, await carrying(['colado.txt']));
  await until(() => {
    const names = bia.events.filter((event) => event.type === 'file_received').map((event) => event.filename);
    assert.deepEqual(names.sort(), ['colado.txt', 'outro.txt', 'solto.txt']);
  });
  await ana.thread.getByText(ana.t.dropHere).waitFor({ state: 'hidden' });
});

story('what the server refuses is told, and can be put away', { server: ['--max-file', '1MiB'] }, async (stage) => {
  (await stage.peer('bia')).close();
  const ana = await stage.enter('ana');
  await ana.begin('bia');
  await ana.attach(file('grande.bin', randomBytes(1_100_000)));
  const row = ana.thread.getByRole('listitem').filter({ hasText: 'grande.bin' });
  await row.locator('.error').waitFor();
  await row.getByRole('button', { name: ana.t.cancelFile('grande.bin') }).click();
  await row.waitFor({ state: 'detached' });
});
