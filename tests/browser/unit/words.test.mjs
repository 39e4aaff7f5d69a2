// The page's sentences: translated, used, and nowhere else. That both languages have the same ones is in
// text.test.mjs.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { languages } from '../../../src/web/text.js';

const WEB = new URL('../../../src/web/', import.meta.url);

/** Every sentence by its key; functions and lists as what they are. */
function sentences(words, path = '') {
  return Object.entries(words).flatMap(([key, value]) => {
    const at = path ? `${path}.${key}` : key;
    const inside = typeof value === 'object' && !Array.isArray(value);
    return inside ? sentences(value, at) : [[at, value]];
  });
}

test('nothing is left in the other language', () => {
  const { pt, en } = languages;
  const english = new Map(sentences(en));
  // The same in both: words that both languages have, and marks.
  const same = ['online', 'offline', 'said', 'admin', 'notAdded', 'arrived'];
  for (const [key, value] of sentences(pt)) {
    if (typeof value !== 'string' || same.includes(key)) continue;
    assert.notEqual(value, english.get(key), `${key} is the same in both languages`);
    assert.doesNotMatch(english.get(key), /[áàâãéêíóôõúç]/i, `${key} in English`);
  }
});

test('a number of one is not a plural', () => {
  for (const words of Object.values(languages)) {
    for (const key of ['unread', 'members', 'toNewestWith']) {
      assert.notEqual(words[key](1).replace('1', ''), words[key](2).replace('2', ''), key);
    }
  }
});

test('no sentence stands in a script, and none is there for nothing', () => {
  const scripts = readdirSync(WEB).filter((name) => name.endsWith('.js'));
  const read = (names) => names.map((name) => readFileSync(new URL(name, WEB), 'utf8')).join('\n');
  const all = read(scripts);
  // The states of a message are looked up by their names.
  const states = ['pending', 'sent', 'delivered', 'read', 'failed', 'language'];
  for (const key of Object.keys(languages.pt)) {
    assert.ok(states.includes(key) || all.includes(`t.${key}`), `${key} is used nowhere`);
  }
  const code = read(scripts.filter((name) => name !== 'text.js'));
  const withoutComments = code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '').replace(/\s\/\/ .*$/gm, '');
  const accented = withoutComments.match(/['"`][^'"`\n]*[áàâãéêíóôõúç][^'"`\n]*['"`]/gi);
  assert.equal(accented, null, 'Portuguese outside text.js');
});
