// Makes the pictures of the page for the README, from a real conversation on a real server:
//
//     cargo build && node tests/browser/screenshot.mjs FOLDER
//
// Two of them: page.png, both panes, 1280 x 800; and page-narrow.png, a phone's width. Install a font with
// emoji first (Debian: fonts-noto-color-emoji).

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import { closeBrowser } from './support/chromium.mjs';
import { png } from './support/picture.mjs';
import { Server } from './support/processes.mjs';
import { Stage } from './support/stage.mjs';

const folder = process.argv[2] ?? '.';
mkdirSync(folder, { recursive: true });

const stage = new Stage(await Server.start());
try {
  await play();
} finally {
  await stage.end();
  await closeBrowser();
}

async function play() {
  const people = {};
  for (const name of ['Beatriz', 'Caio', 'Davi', 'Elisa']) people[name] = await stage.peer(name);
  const { Beatriz, Caio, Davi, Elisa } = people;
  const ana = await stage.enter('Ana', { colorScheme: 'light', timezoneId: afternoon() });
  const { page, t } = ana;

  await Elisa.say('Ana', 'Consegue revisar meu resumo até quinta?');
  await Davi.say('Ana', 'Valeu! 🙌');
  await ana.open('Davi');
  await ana.say('De nada');

  await Beatriz.ask({ type: 'create_group', group_name: 'Sistemas Distribuídos' });
  for (const member of ['Ana', 'Caio', 'Davi']) {
    await Beatriz.ask({ type: 'add_member', group_name: 'Sistemas Distribuídos', new_member: member });
  }
  const toGroup = (peer, content) => peer.ask({ type: 'group_message', group_name: 'Sistemas Distribuídos', content });
  await toGroup(Beatriz, 'Slides em https://exemplo.edu.br/sd/aula7');
  await toGroup(Caio, 'A apresentação ficou para as 14h');

  await ana.begin('Beatriz');
  await ana.say('Oi, Bia! Terminei o relógio de Lamport 🎉');
  await ana.state('Oi, Bia! Terminei o relógio de Lamport 🎉', 'sent');
  const seen = ana.bubble('Oi, Bia! Terminei o relógio de Lamport 🎉');
  const id = Number(await seen.getAttribute('data-msg-id'));
  await Beatriz.ask({ type: 'react', msg_id: id, emoji: '👏' });
  await Beatriz.say('Ana', 'Que ótimo! Rodou com os três processos?');
  await ana.sees('Que ótimo! Rodou com os três processos?');
  await ana.choose(ana.bubble('Que ótimo! Rodou com os três processos?'), t.reply);
  await ana.say('Rodou. E com um deles caindo no meio também 💪');
  const capa = png(360, 270).toString('base64');
  const { msg_id: last } = await Beatriz.ask({ type: 'send_file', recipient: 'Ana', filename: 'capa.png', file_data: capa });
  await ana.thread.getByRole('img', { name: t.picture('capa.png') }).waitFor();
  await ana.attach({ name: 'relatório.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(248_000, 1) });
  await ana.fileBubble('relatório.pdf').waitFor();
  Beatriz.tell({ type: 'read', with: 'Ana', msg_id: last });
  const asked = 'Pus a sua capa. Apresentamos na sexta?';
  await ana.say(asked);
  await ana.state(asked, 'sent');
  const sent = Number(await ana.bubble(asked).getAttribute('data-msg-id'));
  Beatriz.tell({ type: 'received', msg_id: sent });
  await ana.state(asked, 'delivered');

  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(folder, 'page.png') });
  await page.setViewportSize({ width: 390, height: 780 });
  await ana.holds(async () => {
    const { fromEnd } = await ana.thread.locator('.scroll').evaluate((element) => ({
      fromEnd: element.scrollHeight - element.scrollTop - element.clientHeight,
    }));
    if (fromEnd > 2) throw new Error('not at the end');
  });
  await page.screenshot({ path: join(folder, 'page-narrow.png') });
}

/** A zone of the world where it is three in the afternoon. */
function afternoon() {
  const behind = new Date().getUTCHours() - 15;
  return `Etc/GMT${behind < 0 ? behind : `+${behind}`}`;
}
