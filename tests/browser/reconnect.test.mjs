// The line breaks, the server goes away, the page is loaded again: nothing is lost, nothing is doubled.

import assert from 'node:assert/strict';

import { story } from './support/story.mjs';
import { until } from './support/until.mjs';

const OUTAGE = { outages: true };

story('the server is killed while messages are written, and comes back', OUTAGE, async (stage) => {
  const ana = await stage.enter('ana');
  const bia = await stage.enter('bia');
  await ana.begin('bia');
  await ana.say('antes');
  await bia.open('ana');
  await bia.sees('antes');

  await stage.server.stop('SIGKILL');
  await ana.page.getByText(ana.t.reconnecting).waitFor();
  const written = ['um', 'dois', 'três', 'quatro'];
  for (const text of written) await ana.say(text);
  for (const text of written) await ana.state(text, 'pending');
  // And one the other way, so that both have something to send.
  await bia.say('cinco');

  await stage.server.start();
  await ana.inside();
  for (const text of written) {
    await bia.sees(text);
    await ana.state(text, 'read');
  }
  await ana.sees('cinco');
  // In the order of their writing, for both of them the same.
  const order = (texts) => texts.filter((text) => written.includes(text));
  assert.deepEqual(order(await bia.texts()), written);
  await until(async () => assert.deepEqual(await ana.texts(), await bia.texts()));
});

for (const place of ['a conversation', 'a group']) {
  story(`the line breaks after the message has left and before its answer: it arrives once, in ${place}`, OUTAGE, async (stage) => {
    const proxy = await stage.proxy();
    const bia = await stage.enter('bia');
    const ana = await stage.enter('ana', { url: proxy.url });
    if (place === 'a group') await ana.newGroup('Trabalho', ['bia']);
    else await ana.begin('bia');
    await ana.say('antes');
    await bia.open(place === 'a group' ? 'Trabalho' : 'ana');
    await bia.sees('antes');

    const cut = proxy.cutBeforeAnswer('"message_response"');
    await ana.say('uma vez só');
    await cut;
    // The server has it, and Bia; Ana does not know.
    await bia.sees('uma vez só');
    await ana.state('uma vez só', 'pending');
    proxy.mend();
    await ana.state('uma vez só', 'read');
    await ana.say('depois');
    await bia.sees('depois');
    await ana.sees('depois');
    assert.deepEqual(await bia.texts(), ['antes', 'uma vez só', 'depois']);
    assert.deepEqual(await ana.texts(), ['antes', 'uma vez só', 'depois']);
  });
}

story('the line breaks before the message arrives: it arrives later, once', OUTAGE, async (stage) => {
  const { proxy, ana, bia } = await stage.talkingOverProxy('antes');

  const cut = proxy.cutBeforeRequest();
  await ana.say('mais tarde');
  await cut;
  await ana.state('mais tarde', 'pending');
  assert.equal(await bia.bubble('mais tarde').count(), 0);
  proxy.mend();
  await bia.sees('mais tarde');
  await ana.state('mais tarde', 'read');
});

story('what waits to be sent outlives a reload', OUTAGE, async (stage) => {
  const { proxy, ana, bia } = await stage.talkingOverProxy('antes');

  proxy.cut();
  await ana.page.getByText(ana.t.reconnecting).waitFor();
  await ana.say('guardada');
  await ana.state('guardada', 'pending');
  await ana.page.reload();
  // The page comes, the chat does not yet.
  await ana.page.getByText(ana.t.reconnecting).waitFor();
  proxy.mend();
  await ana.inside();
  await ana.opened('bia');
  await bia.sees('guardada');
  await ana.state('guardada', 'read');
  assert.deepEqual(await ana.texts(), ['antes', 'guardada']);
});

story('without a network the page says so, and goes on when it is back', OUTAGE, async (stage) => {
  const { proxy, ana, bia } = await stage.talkingOverProxy('antes');

  await ana.context.setOffline(true);
  proxy.cut();
  await ana.page.getByText(ana.t.reconnecting).waitFor();
  await bia.say('enquanto você não está');
  await ana.say('no túnel');
  await ana.state('no túnel', 'pending');
  proxy.mend();
  await ana.context.setOffline(false);
  await bia.sees('no túnel');
  await ana.sees('enquanto você não está');
  await ana.state('no túnel', 'read');
});

story('a reload keeps the session, the conversation and what was begun to be written', {}, async (stage) => {
  (await stage.peer('bia')).close();
  (await stage.peer('caio')).close();
  const ana = await stage.enter('ana');
  await ana.begin('caio');
  await ana.say('oi, caio');
  await ana.field.fill('para o caio');
  await ana.begin('bia');
  await ana.say('oi, bia');
  await ana.field.fill('para a bia');
  await ana.page.reload();
  await ana.inside();
  await ana.opened('bia');
  assert.equal(await ana.field.inputValue(), 'para a bia');
  await ana.line('caio').getByText(ana.t.draft).waitFor();
  await ana.open('caio');
  await until(async () => assert.equal(await ana.field.inputValue(), 'para o caio'));
  await ana.field.fill('');
  await ana.open('bia');
  await ana.line('caio').getByText(ana.t.draft).waitFor({ state: 'detached' });
});

story('what was missed comes at the next visit, in order and once', {}, async (stage) => {
  const bia = await stage.peer('bia');
  const ana = await stage.enter('ana');
  await ana.begin('bia');
  await ana.say('até amanhã');
  await ana.state('até amanhã', 'sent');
  await ana.page.goto('about:blank');
  const missed = Array.from({ length: 120 }, (_, index) => `perdida ${index}`);
  for (const text of missed) await bia.say('ana', text);
  await ana.goto();
  await ana.inside();
  await ana.line('bia').getByText(ana.t.unread(120)).waitFor();
  await until(async () => assert.equal(await ana.page.title(), '(120) papo'));
  await ana.open('bia');
  // From the first that is new, not from the end.
  await ana.thread.getByText(ana.t.newMessages).waitFor();
  await until(async () => assert.ok(await inView(ana, 'perdida 0')));
  assert.deepEqual((await ana.texts()).filter((text) => text.startsWith('perdida')), missed);
  await ana.thread.getByRole('button', { name: ana.t.toNewestWith(120) }).click();
  await until(async () => assert.ok(await inView(ana, 'perdida 119')));
  await until(async () => assert.equal(await ana.page.title(), 'papo'));
});

/** Whether a message can be seen without scrolling. */
function inView(person, text) {
  return person.bubble(text).evaluate((row) => {
    const box = row.getBoundingClientRect();
    const { top, bottom } = row.closest('.scroll').getBoundingClientRect();
    return box.top >= top && box.bottom <= bottom;
  });
}
