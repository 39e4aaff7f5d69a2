// A whole evening without a mouse.

import assert from 'node:assert/strict';

import { story } from './support/story.mjs';
import { until } from './support/until.mjs';

story('everything by keys: coming in, writing, answering, reacting, deleting, searching, going', {}, async (stage) => {
  const bia = await stage.peer('bia');
  const caio = await stage.peer('caio');
  const ana = await stage.visit();
  const { page, t } = ana;
  const { keyboard } = page;
  const type = (text) => keyboard.type(text);
  const keys = async (...all) => {
    for (const key of all) await keyboard.press(key);
  };

  await type('ana');
  await keys('Enter');
  await ana.inside();
  await tabTo(page, t.newConversation);
  await keys('Enter');
  await ana.dialog(t.newConversation).waitFor();
  await type('bia');
  await ana.dialog(t.newConversation).locator('.person', { hasText: 'bia' }).waitFor();
  await keys('Enter');
  await ana.opened('bia');
  await focusIs(page, t.writeTo('bia'));
  await type('primeira linha');
  await keys('Shift+Enter');
  await type('segunda linha');
  await keys('Enter');
  await ana.sees('primeira linha\nsegunda linha');
  await until(() => assert.ok(bia.events.some((event) => event.content === 'primeira linha\nsegunda linha')));

  await keys('ArrowUp', 'Control+A');
  await type('uma linha');
  await keys('Enter');
  await ana.sees('uma linha');

  // Up into the messages, and answer with a letter.
  await bia.say('ana', 'pergunta?');
  await ana.sees('pergunta?');
  await tabTo(page, /pergunta\?/, 'Shift+Tab');
  await keys('r');
  await ana.thread.getByText(t.replyTo('bia')).waitFor();
  await type('resposta');
  await keys('Enter');
  await ana.sees('resposta');

  // A reaction from the menu of a message: the quick ones come first.
  await tabTo(page, /resposta/, 'Shift+Tab');
  await keys('ArrowUp', 'Enter');
  await page.getByRole('menu').waitFor();
  await focusIs(page, t.react('👍'));
  await keys('ArrowRight', 'Enter');
  await page.getByRole('menu').waitFor({ state: 'detached' });
  await ana.bubble('pergunta?').getByRole('button', { name: t.reactedBy('❤️', t.you) }).waitFor();
  await until(() => assert.ok(bia.events.some((event) => event.reactions?.[0].emoji === '❤️')));

  // The menu goes away by Escape, and the focus stays on its message.
  await keys('Enter');
  await page.getByRole('menu').waitFor();
  await keys('Escape');
  await page.getByRole('menu').waitFor({ state: 'detached' });
  await focusIs(page, /pergunta\?/);

  // Deleting asks first.
  await keys('ArrowDown', 'Enter');
  await page.getByRole('menuitem', { name: t.delete, exact: true }).waitFor();
  await keys('End', 'Enter');
  await ana.dialog(t.delete).waitFor();
  await tabTo(page, t.delete);
  await keys('Enter');
  await ana.sees(t.deleted);

  // Another conversation, and back, without the list.
  await caio.say('ana', 'e eu?');
  await ana.line('caio').waitFor();
  await ana.holds(async () => assert.equal(await page.title(), '(1) papo'));
  await keys('Escape');
  await keys('Alt+ArrowUp');
  await ana.opened('caio');
  await keys('Alt+ArrowDown');
  await ana.opened('bia');

  // Search: down into what was found.
  await keys('Control+k');
  await focusIs(page, t.search);
  await type('pergunta');
  await ana.list.getByRole('link', { name: /pergunta\?/ }).waitFor();
  await keys('ArrowDown', 'Enter');
  await ana.bubble('pergunta?').and(page.locator('.found')).waitFor();
  await keys('Control+k');
  await focusIs(page, t.search);
  await keys('Escape');
  await ana.line('caio').waitFor();

  // Along the list with the arrows.
  await keys('ArrowDown', 'ArrowDown', 'ArrowUp', 'Enter');
  await ana.opened('caio');

  // Help, and out of it; settings, and out for good.
  await keys('Control+/');
  await ana.dialog(t.help).waitFor();
  await keys('Escape');
  await ana.dialog(t.help).waitFor({ state: 'detached' });
  await tabTo(page, t.settings, 'Shift+Tab');
  await keys('Enter');
  await ana.dialog(t.settings).waitFor();
  await tabTo(page, t.logout);
  await keys('Enter');
  await ana.dialog(t.logout).waitFor();
  await tabTo(page, t.logoutAnyway);
  await keys('Enter');
  await page.getByLabel(t.yourName).waitFor();
  await focusIs(page, t.yourName);
});

/** What a screen reader would say of the focused element: near enough. */
function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    const label = element.getAttribute('aria-label')
      ?? [...(element.labels ?? [])].map((each) => each.innerText).join(' ');
    return label || element.innerText || '';
  });
}

const matches = (said, name) => (name instanceof RegExp ? name.test(said) : said.trim() === name);

async function focusIs(page, name) {
  await until(async () => assert.ok(matches(await focused(page), name), `the focus is on “${await focused(page)}”, not on ${name}`));
}

/** Presses Tab until this has the focus, which must be seen on everything on the way. */
async function tabTo(page, name, key = 'Tab') {
  for (let presses = 0; presses < 40; presses += 1) {
    if (matches(await focused(page), name)) return;
    await page.keyboard.press(key);
    const seen = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === document.body) return true;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
    });
    assert.ok(seen, `the focus can be seen on “${await focused(page)}”`);
  }
  assert.fail(`${name} cannot be reached with ${key}`);
}
