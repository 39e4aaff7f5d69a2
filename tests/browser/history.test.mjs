// Long conversations: upwards without a jump, and what is found in them.

import assert from 'node:assert/strict';

import { story } from './support/story.mjs';
import { until } from './support/until.mjs';

const MANY = 1000;

/** A conversation of a thousand messages between ana and bia. */
async function manyMessages(stage) {
  const bia = await stage.peer('bia');
  (await stage.peer('ana')).close();
  const saying = [];
  for (let index = 1; index <= MANY; index += 1) {
    const words = index === 237 ? 'a reunião é na sexta' : `mensagem ${index}`;
    const lines = index % 7 === 0 ? `${words}\n${'texto '.repeat(index % 60)}` : words;
    saying.push(bia.say('ana', lines));
  }
  const answers = await Promise.all(saying);
  // Read, so that the conversation opens at its end.
  const ana = await stage.peer('ana');
  ana.tell({ type: 'read', with: 'bia', msg_id: answers.at(-1).msg_id });
  ana.tell({ type: 'received', msg_id: answers.at(-1).msg_id });
  await ana.ask({ type: 'ping' });
  ana.close();
  return { bia, answers };
}

story('a thousand messages are scrolled through, and the view never jumps', {}, async (stage) => {
  const { bia, answers } = await manyMessages(stage);
  const ana = await stage.enter('ana');
  await ana.open('bia');
  await ana.sees(`mensagem ${MANY - 40}`);
  assert.ok((await scrolled(ana)).fromEnd < 2, 'it opens at its end');

  const first = ana.thread.locator(`[data-msg-id="${answers[0].msg_id}"]`);
  let additions = 0;
  for (; (await first.count()) === 0; additions += 1) {
    assert.ok(additions < 100, 'the beginning is never reached');
    const jumped = await scrollUpAndWatch(ana);
    assert.ok(jumped <= 2, `the view jumped by ${jumped} px when more was added for the ${additions + 1}. time`);
  }
  assert.ok(additions >= 10, `more was added ${additions} times`);
  await ana.thread.getByText(ana.t.beginning).waitFor();

  // All of them are there, in order, without a hole.
  const numbers = (await ana.texts()).map((text) => Number(text.match(/^mensagem (\d+)/)?.[1] ?? 237));
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
  assert.equal(numbers[0], 1);
  assert.equal(new Set(numbers).size, numbers.length);
  assert.equal(numbers.at(-1) - numbers[0] + 1, numbers.length);

  // What comes meanwhile does not pull the view down, but is counted at the way to it.
  const before = await scrolled(ana);
  await bia.say('ana', 'e mais uma');
  const jump = ana.thread.getByRole('button', { name: ana.t.toNewestWith(1) });
  await jump.waitFor();
  assert.equal((await scrolled(ana)).top, before.top);
  await jump.click();
  await ana.sees('e mais uma');
  await until(async () => assert.ok((await scrolled(ana)).fromEnd < 2));
});

story('a word that was said long ago is found, whatever its accents, and shown where it was said', {}, async (stage) => {
  const { answers } = await manyMessages(stage);
  const ana = await stage.enter('ana');
  await ana.list.getByRole('searchbox').fill('reuniao');
  const found = ana.list.getByRole('link').filter({ hasText: 'a reunião é na sexta' });
  await found.click();
  const row = ana.thread.locator(`[data-msg-id="${answers[236].msg_id}"]`);
  await row.waitFor();
  await until(async () => {
    const [box, pane] = await Promise.all([row.boundingBox(), ana.thread.locator('.scroll').boundingBox()]);
    assert.ok(box.y >= pane.y && box.y + box.height <= pane.y + pane.height, 'it is in view');
  });
  // With what was said before and after it.
  await ana.sees('mensagem 236');
  await ana.sees('mensagem 239');
  // From there one gets down to the newest, without a hole.
  const scroller = ana.thread.locator('.scroll');
  await scroller.hover();
  for (let turns = 0; (await ana.bubble(`mensagem ${MANY}`).count()) === 0; turns += 1) {
    assert.ok(turns < 400, 'the end is never reached');
    await ana.page.mouse.wheel(0, 2000);
    await twoFrames(ana);
  }
  const ids = await ana.thread.locator('.message').evaluateAll((rows) => rows.map((one) => Number(one.dataset.msgId)));
  const all = answers.map((answer) => answer.msg_id);
  assert.deepEqual(ids, all.slice(all.indexOf(ids[0]), all.indexOf(ids.at(-1)) + 1));

  // The search field finds conversations too, and gives the list back when it is empty.
  await ana.list.getByRole('searchbox').fill('xyzw');
  await ana.list.getByText(ana.t.nothingFound).waitFor();
  await ana.list.getByRole('button', { name: ana.t.clearSearch }).click();
  await ana.line('bia').waitFor();
});

function scrolled(person) {
  return person.thread.locator('.scroll').evaluate((element) => ({
    top: element.scrollTop,
    fromEnd: element.scrollHeight - element.scrollTop - element.clientHeight,
  }));
}

/** Two pictures later, what was scrolled to is drawn. */
function twoFrames(person) {
  return person.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/**
 * Scrolls to near the beginning of what is drawn, and waits until there is more above. How far the
 * first message in view was moved by that, in the worst picture that was shown meanwhile.
 */
function scrollUpAndWatch(person) {
  return person.page.evaluate(() => new Promise((done) => {
    const scroller = document.querySelector('.thread .scroll');
    const firstId = () => scroller.querySelector('[data-msg-id]').dataset.msgId;
    const drawn = firstId();
    scroller.scrollTop = 40;
    const { top } = scroller.getBoundingClientRect();
    const rows = [...scroller.querySelectorAll('[data-msg-id]')];
    const row = rows.find((one) => one.getBoundingClientRect().bottom > top);
    // The bubble itself may be drawn anew.
    const seen = () => row.querySelector('.bubble').getBoundingClientRect().top;
    const start = seen();
    let worst = 0;
    // Some pictures more after the change: what is measured late would move it late.
    let left = 10;
    const look = () => {
      // At the beginning of a picture this is what the one before has shown.
      worst = Math.max(worst, Math.abs(seen() - start));
      if (firstId() !== drawn) left -= 1;
      if (left > 0) requestAnimationFrame(look);
      else done(worst);
    };
    requestAnimationFrame(look);
  }));
}
