// Whatever people write stays text.

import assert from 'node:assert/strict';

import { story } from './support/story.mjs';
import { until } from './support/until.mjs';

const TEXTS = [
  '<img src=x onerror="window.pwned=1">',
  '<script>window.pwned=1</script>',
  '"><svg/onload=window.pwned=1>',
  '<style>*{display:none}</style>',
  '</textarea></p></li><h1>oi</h1>',
  '<template><img src=x onerror=window.pwned=1></template>',
  'javascript:window.pwned=1',
  '&lt;b&gt;&amp;#60;',
  '{{7*7}} ${7*7} <%= 7*7 %>',
  '\u202Eesrever\u202C and \u2066isolated',
  'a\u0000b\u0007c\u001B[31mred',
  '__proto__',
  'W'.repeat(10_000),
  '👩‍👩‍👧‍👦'.repeat(500),
  '\u0301'.repeat(300),
];

/** Names that the server allows. */
const NAMES = ['__proto__', 'constructor', 'عمر', '🦊 raposa', 'x.y-z_0', 'W'.repeat(32)];

const FILES = [
  '<img src=x onerror=window.pwned=1>.png', '{{7*7}}.html', '&lt;b&gt;.txt', '\u202Egpj.exe', `${'w'.repeat(180)}.txt`,
];

for (const width of [320, 1280]) {
  story(`names, messages and files that look like markup, ${width} px wide`, {}, async (stage) => {
    const ana = await stage.enter('ana', { viewport: { width, height: 700 } });
    const { page } = ana;
    const elements = await page.evaluate(() => document.querySelectorAll('script, style, link, iframe, object, embed').length);
    const bia = await stage.peer('bia');
    const sent = [];
    for (const text of TEXTS) sent.push({ text, ...(await bia.say('ana', text)) });
    for (const filename of FILES) {
      const data = Buffer.from('<script>window.pwned=1</script>').toString('base64');
      await bia.ask({ type: 'send_file', recipient: 'ana', filename, file_data: data });
    }
    for (const name of NAMES) {
      const person = await stage.peer(name);
      await person.say('ana', TEXTS[0]);
      await person.ask({ type: 'react', msg_id: sent[0].msg_id, emoji: '<b>' }).catch(() => {});
      const group = `g ${name}`.slice(0, 32);
      await person.ask({ type: 'create_group', group_name: group });
      await person.ask({ type: 'add_member', group_name: group, new_member: 'ana' });
      await person.ask({ type: 'group_message', group_name: group, content: TEXTS[2] });
    }
    await bia.ask({ type: 'react', msg_id: sent[0].msg_id, emoji: '<i>x</i>' });

    const harmless = async () => {
      const found = await page.evaluate(() => ({
        pwned: window.pwned,
        handlers: document.querySelectorAll('[onerror], [onload], [onclick]').length,
        pictures: [...document.images].map((image) => image.getAttribute('src')).filter((src) => !src.startsWith('/icon') && !src.startsWith('blob:')),
        elements: document.querySelectorAll('script, style, link, iframe, object, embed').length,
        links: [...document.links].map((link) => link.protocol).filter((protocol) => !/^(https?|blob):$/.test(protocol)),
        wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      }));
      assert.deepEqual(found, { pwned: undefined, handlers: 0, pictures: [], elements, links: [], wide: 0 });
    };

    await ana.open('bia');
    // What arrived and what stands there is the same, to the last character.
    for (const { text, msg_id: id } of sent) {
      const shown = page.locator(`[data-msg-id="${id}"] .text`);
      assert.equal(await shown.evaluate((element) => element.textContent), text);
      assert.equal(await shown.locator('*').count(), 0, 'no element comes out of it');
    }
    await page.locator(`[data-msg-id="${sent[0].msg_id}"]`).getByRole('button', { name: '<i>x</i>' }).waitFor();
    await harmless();

    if (width < 720) await page.getByRole('button', { name: ana.t.back }).click();
    for (const name of [...NAMES, ...NAMES.map((each) => `g ${each}`.slice(0, 32))]) {
      await ana.line(name).waitFor();
    }
    await harmless();
    for (const name of [NAMES[0], `g ${NAMES[0]}`]) {
      await ana.open(name);
      await harmless();
      await ana.say(TEXTS[1]);
      await ana.bubble(TEXTS[1]).waitFor();
      if (width < 720) await page.getByRole('button', { name: ana.t.back }).click();
    }

    // A file is saved under a name without the tricks, and its content is never run.
    await ana.open('bia');
    // The one that calls itself a picture is looked at first, when it comes into view.
    await ana.thread.locator('.picture, .card').first().scrollIntoViewIfNeeded();
    const buttons = ana.thread.getByRole('button', { name: /^Baixar / });
    await until(async () => assert.equal(await buttons.count(), FILES.length));
    const waiting = page.waitForEvent('download');
    await buttons.first().click();
    const download = await waiting;
    assert.doesNotMatch(download.suggestedFilename(), /[<>"/\\:]/);
    await harmless();
  });
}

story('a web address is a link, and only that', {}, async (stage) => {
  const bia = await stage.peer('bia');
  const ana = await stage.enter('ana');
  await bia.say('ana', 'veja https://exemplo.com/a?b=1&c="><b>, http://x.y. e javascript:alert(1) ou data:text/html,x');
  await ana.open('bia');
  const links = ana.thread.locator('.text a');
  await links.first().waitFor();
  const seen = await links.evaluateAll((all) => all.map((link) => [link.textContent, link.rel, link.target]));
  assert.deepEqual(seen, [
    ['https://exemplo.com/a?b=1&c=', 'noopener noreferrer', '_blank'],
    ['http://x.y', 'noopener noreferrer', '_blank'],
  ]);
});
