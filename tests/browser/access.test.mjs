// Nobody is shut out: what axe-core finds (WCAG 2.2 AA), in light and dark, narrow and wide, on every
// kind of view; and no view is wider than its window.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { story } from './support/story.mjs';
import { everyView, prepare } from './support/views.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

for (const colorScheme of ['light', 'dark']) {
  for (const width of [320, 1280]) {
    story(`${colorScheme}, ${width} px wide`, { outages: true }, async (stage) => {
      await prepare(stage);
      const proxy = await stage.proxy();
      const viewport = { width, height: 800 };
      const ana = await stage.visit({ url: proxy.url, colorScheme, viewport, reducedMotion: 'reduce' });
      await everyView(ana, proxy, (where) => check(ana, where));
    });
  }
}

/** What axe-core finds, and whether the page is wider than the window. */
async function check(person, where) {
  const { page } = person;
  await page.evaluate(AXE);
  const violations = await page.evaluate(async (values) => {
    const { violations: found } = await globalThis.axe.run(document, { runOnly: { type: 'tag', values } });
    return found.map(({ id, help, nodes }) => ({ id, help, where: nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`) }));
  }, TAGS);
  assert.deepEqual(violations, [], `${where}: ${JSON.stringify(violations, null, 1)}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wide, 0, `${where} is ${wide} px wider than its window`);
}
