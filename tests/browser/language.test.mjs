// Whoever reads English finds nothing in Portuguese, wherever on the page.

import assert from 'node:assert/strict';

import { languages } from '../../src/web/text.js';
import { story } from './support/story.mjs';
import { everyView, prepare } from './support/views.mjs';

story('every view in English', { outages: true }, async (stage) => {
  await prepare(stage);
  const proxy = await stage.proxy();
  const ana = await stage.visit({ url: proxy.url, locale: 'en-US' });
  ana.t = languages.en;
  // A language's own name is written in it.
  const english = new Set([...sentences(languages.en), languages.pt.language]);
  const portuguese = sentences(languages.pt).filter((sentence) => !english.has(sentence));
  const all = new Set();
  await everyView(ana, proxy, async (where) => {
    for (const words of await spoken(ana.page)) {
      all.add(words);
      assert.ok(!portuguese.includes(words), `${where}: “${words}”`);
    }
  });
  // It was there to be seen: most of what the page can say was said.
  const said = [...english].filter((sentence) => all.has(sentence));
  assert.ok(said.length > english.size / 2, `${said.length} of ${english.size} sentences were met`);
});

/** Sentences without anything to fill in. */
function sentences(words) {
  return Object.values(words).flatMap((value) => {
    if (typeof value === 'string') return [value.trim()];
    return typeof value === 'object' ? sentences(value) : [];
  });
}

/** All that is written on the page, and all that is said of it. */
function spoken(page) {
  return page.evaluate(() => {
    const found = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) found.push(walker.currentNode.data);
    for (const element of document.querySelectorAll('*')) {
      for (const name of ['aria-label', 'title', 'placeholder', 'alt']) found.push(element.getAttribute(name) ?? '');
    }
    return found.map((words) => words.trim()).filter(Boolean);
  });
}
