// The page's sentences: the same ones in both languages, translated, used, and nowhere else.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { languages } from '../../../src/web/text.js';

const WEB = new URL('../../../src/web/', import.meta.url);
const { pt, en } = languages;

/** Every sentence by its key, nested ones with a dot; functions and lists as what they are. */
function sentences(words, path = '') {
  return Object.entries(words).flatMap(([key, value]) => {
    const at = path ? `${path}.${key}` : key;
    const inside = typeof value === 'object' && !Array.isArray(value);
    return inside ? sentences(value, at) : [[at, value]];
  });
}

/** Keys with their kinds, and with how many blanks there are to fill. */
function keysOf(words) {
  return sentences(words).map(([key, value]) => [key, typeof value, typeof value === 'function' ? value.length : '']).sort();
}

/** All of these scripts, as one text. */
function read(scripts) {
  return scripts.map((name) => readFileSync(new URL(name, WEB), 'utf8')).join('\n');
}

const scripts = readdirSync(WEB).filter((name) => name.endsWith('.js'));
const views = scripts.filter((name) => name !== 'text.js');

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

test('nothing is left in the other language', () => {
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

test('every sentence that the page asks for exists', () => {
  for (const name of views) {
    for (const [, key] of read([name]).matchAll(/\bt\.(\w+)/g)) assert.ok(key in pt, `${name}: t.${key}`);
  }
});

test('no sentence stands in a script, and none is there for nothing', () => {
  const all = read(scripts);
  // The states of a message are looked up by their names.
  const states = ['pending', 'sent', 'delivered', 'read', 'failed', 'language'];
  for (const key of Object.keys(pt)) {
    assert.ok(states.includes(key) || all.includes(`t.${key}`), `${key} is used nowhere`);
  }
  const withoutComments = read(views).replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '').replace(/\s\/\/ .*$/gm, '');
  const accented = withoutComments.match(/['"`][^'"`\n]*[áàâãéêíóôõúç][^'"`\n]*['"`]/gi);
  assert.equal(accented, null, 'Portuguese outside text.js');
});
