// The page's sentences: the same keys in both languages, and none that is asked for and missing.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { languages } from '../../../src/web/text.js';

const { pt, en } = languages;

/** Keys with their kinds, nested ones with a dot. */
function keysOf(sentences, before = '') {
  return Object.entries(sentences).flatMap(([key, value]) => {
    if (typeof value !== 'object' || Array.isArray(value)) return [`${before}${key} ${typeof value} ${value.length && typeof value === 'function' ? value.length : ''}`];
    return keysOf(value, `${before}${key}.`);
  }).sort();
}

test('both languages have the same sentences, with the same blanks to fill', () => {
  assert.deepEqual(keysOf(pt), keysOf(en));
  assert.equal(pt.keys.length, en.keys.length);
});

test('no sentence is forgotten in one language', () => {
  // The same in both: a name between two signs, and words that both languages have.
  const alike = new Set(['online', 'offline', 'arrived', 'said', 'notAdded']);
  for (const [key, value] of Object.entries(pt)) {
    if (alike.has(key) || typeof value === 'object') continue;
    const say = (sentence) => (typeof sentence === 'function' ? sentence(2, 'b', 'c') : sentence);
    if (key === 'typing') continue;
    assert.notEqual(say(value), say(en[key]), key);
  }
});

test('every sentence that the page asks for exists', () => {
  const folder = new URL('../../../src/web/', import.meta.url);
  const scripts = readdirSync(folder).filter((name) => name.endsWith('.js') && name !== 'text.js');
  for (const name of scripts) {
    for (const [, key] of readFileSync(new URL(name, folder), 'utf8').matchAll(/\bt\.(\w+)/g)) {
      assert.ok(key in pt, `${name}: t.${key}`);
    }
  }
});
