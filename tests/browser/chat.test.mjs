// Two browsers and a terminal chat with each other.

import assert from 'node:assert/strict';

import { story } from './support/story.mjs';
import { until } from './support/until.mjs';

story('two browsers and a terminal write to each other', {}, async (stage) => {
  const carla = await stage.terminal('carla');
  await carla.says(/carla/);
  const ana = await stage.enter('ana');
  const bia = await stage.enter('bia');

  await ana.begin('bia');
  await ana.say('oi, bia');
  await ana.state('oi, bia', 'delivered');
  // Bia has not looked yet: it is counted, in words too.
  await bia.line('ana').getByText('1', { exact: true }).waitFor();
  await bia.line('ana').getByText(bia.t.unread(1)).waitFor();
  await bia.open('ana');
  await bia.sees('oi, bia');
  await ana.state('oi, bia', 'read');
  await until(async () => assert.equal(await bia.page.title(), 'papo'));

  await bia.say('oi, ana!\ntudo bem?');
  await ana.sees('oi, ana!\ntudo bem?');

  // With the terminal, both ways.
  await ana.begin('carla');
  await ana.say('oi, terminal');
  await carla.says(/oi, terminal/);
  carla.type('1\nana\noi, navegador\n');
  await ana.sees('oi, navegador');
  await bia.begin('carla');
  await bia.say('e eu também');
  await carla.says(/e eu também/);
});

story('typing is seen, and gone when the message is there', {}, async (stage) => {
  const ana = await stage.enter('ana');
  const bia = await stage.enter('bia');
  await ana.begin('bia');
  await ana.say('oi');
  await bia.open('ana');
  await bia.sees('oi');

  await bia.field.pressSequentially('resp');
  await ana.heading.getByText(ana.t.isTyping).waitFor();
  await ana.line('bia').getByText(ana.t.isTyping).waitFor();
  await bia.say('resposta');
  await ana.sees('resposta');
  await ana.heading.getByText(ana.t.isTyping).waitFor({ state: 'detached' });
});

story('ticks go from sent to delivered to read, also for who was away', {}, async (stage) => {
  (await stage.peer('dora')).close();
  const ana = await stage.enter('ana');
  await ana.begin('dora');
  await ana.say('você está aí?');
  await ana.state('você está aí?', 'sent');

  const dora = await stage.peer('dora');
  const message = await until(() => {
    const found = dora.events.find((event) => event.content === 'você está aí?');
    assert.ok(found);
    return found;
  });
  // With the feature `receipts` it counts as arrived when she says so.
  await ana.state('você está aí?', 'sent');
  dora.tell({ type: 'received', msg_id: message.msg_id });
  await ana.state('você está aí?', 'delivered');
  dora.tell({ type: 'read', with: 'ana', msg_id: message.msg_id });
  await ana.state('você está aí?', 'read');

  // The same after a reload, when no receipt comes any more.
  await ana.page.reload();
  await ana.opened('dora');
  await ana.state('você está aí?', 'read');
});

story('who is online is told, and who is not any more', {}, async (stage) => {
  const ana = await stage.enter('ana');
  const bia = await stage.enter('bia');
  await ana.begin('bia');
  await ana.say('oi');
  await ana.heading.getByText(ana.t.online, { exact: true }).waitFor();
  await ana.line('bia').getByText(`, ${ana.t.online}`).waitFor();
  await bia.leave();
  await ana.line('bia').getByText(`, ${ana.t.offline}`).waitFor();
  await ana.heading.getByText(/^visto por último hoje às \d\d:\d\d$/).waitFor();
});

story('answer, edit, delete and react are seen by both', {}, async (stage) => {
  const ana = await stage.enter('ana');
  const bia = await stage.enter('bia');
  await ana.begin('bia');
  await ana.say('quem leva o bolo?');
  await bia.open('ana');

  // An answer quotes, and the quote leads to what it quotes.
  await bia.choose(await bia.sees('quem leva o bolo?'), bia.t.reply);
  await bia.thread.getByText(bia.t.replyTo('ana')).waitFor();
  await bia.say('eu levo');
  const answer = await ana.sees('eu levo');
  await answer.locator('.quote', { hasText: 'quem leva o bolo?' }).click();
  await ana.bubble('quem leva o bolo?').and(ana.page.locator('.found')).waitFor();

  await bia.choose(await bia.sees('eu levo'), bia.t.edit);
  assert.equal(await bia.field.inputValue(), 'eu levo');
  await bia.say('eu levo dois');
  const edited = await ana.sees('eu levo dois');
  await edited.getByText(ana.t.edited).waitFor();
  await bia.bubble('eu levo dois').getByText(bia.t.edited).waitFor();
  assert.equal(await ana.bubble('eu levo').count(), 0);

  // With the arrow in the empty field.
  await ana.field.press('ArrowUp');
  assert.equal(await ana.field.inputValue(), 'quem leva o bolo?');
  await ana.field.press('Escape');
  assert.equal(await ana.field.inputValue(), '');

  await ana.choose(ana.bubble('eu levo dois'), ana.t.react('🎉'));
  const seen = bia.bubble('eu levo dois').getByRole('button', { name: bia.t.reactedBy('🎉', 'ana') });
  await seen.waitFor();
  await seen.click();
  const both = ana.t.reactedBy('🎉', `${ana.t.you}, bia`);
  await ana.bubble('eu levo dois').getByRole('button', { name: both }).click();
  await bia.bubble('eu levo dois').getByRole('button', { name: bia.t.reactedBy('🎉', bia.t.you) }).waitFor();

  await bia.choose(bia.bubble('eu levo dois'), bia.t.delete);
  await bia.dialog(bia.t.delete).getByRole('button', { name: bia.t.delete, exact: true }).click();
  await ana.sees(ana.t.deleted);
  await bia.sees(bia.t.deleted);
  assert.equal(await ana.thread.getByText('eu levo dois').count(), 0);

  // All of it is so after a reload, when it comes out of the store.
  const before = await ana.texts();
  await ana.page.reload();
  await ana.sees(ana.t.deleted);
  assert.deepEqual(await ana.texts(), before);
});

story('what comes while nobody looks is in the title, and behind a line', {}, async (stage) => {
  const ana = await stage.enter('ana');
  await ana.context.grantPermissions(['notifications']);
  const bia = await stage.enter('bia');
  await ana.begin('bia');
  await ana.say('já volto');
  await ana.page.evaluate(() => {
    window.shown = [];
    window.Notification = class {
      static permission = 'granted';
      constructor(title, { body, tag }) {
        window.shown.push({ title, body, tag });
      }
    };
  });
  await ana.hide();
  await bia.open('ana');
  for (const text of ['um', 'dois', 'três']) await bia.say(text);
  await until(async () => assert.equal(await ana.page.title(), '(3) papo'));
  await until(async () => assert.equal((await ana.page.evaluate(() => window.shown)).length, 3));
  assert.deepEqual((await ana.page.evaluate(() => window.shown))[0], { title: 'bia', body: 'um', tag: 'p:bia' });
  // Only what is new is said to a screen reader.
  await until(async () => {
    const said = await ana.page.locator('[aria-live=polite]').innerText();
    assert.ok(said.includes('três') && !said.includes('já volto'), said);
  });
  await bia.state('três', 'delivered');

  await ana.hide(false);
  await until(async () => assert.equal(await ana.page.title(), 'papo'));
  await bia.state('três', 'read');
  const rows = await ana.thread.locator('.rows > li').allInnerTexts();
  const divider = rows.findIndex((row) => row === ana.t.newMessages);
  assert.ok(divider > 0 && rows[divider + 1].includes('um'), rows.join(' | '));
});
