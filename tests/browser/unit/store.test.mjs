// What the page makes of frames: order, holes, what is unread, and who has read what.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { extent, rowsOf } from '../../../src/web/rows.js';
import { Store } from '../../../src/web/store.js';

const DAY = Date.parse('2026-03-02T12:00:00');
const ALL = { low: 0, high: Infinity };

const said = (msg_id, prev, sender = 'bia', more = {}) => ({
  type: 'private_message_received', msg_id, prev, sender, recipient: sender === 'ana' ? 'bia' : 'ana',
  content: `m${msg_id}`, ts: DAY + msg_id, ...more,
});

function setUp() {
  const store = new Store('ana', () => {});
  store.takeList([]);
  const take = (...frames) => frames.forEach((frame) => store.take(frame, { event: true }));
  return { store, take, bia: () => store.conversations.get('p:bia') };
}

const ids = ({ messages }, { from, to }) => messages.slice(from, to).map(({ id }) => id);

test('messages stand in the order of their numbers, each once', () => {
  const { take, bia } = setUp();
  take(said(3, 2), said(1, 0), said(2, 1), said(3, 2));
  assert.deepEqual(bia().messages.map(({ id }) => id), [1, 2, 3]);
});

test('a hole ends what is drawn, and a page of history closes it', () => {
  const { store, take, bia } = setUp();
  take(said(1, 0), said(2, 1), said(7, 6));
  assert.deepEqual(ids(bia(), extent(bia(), ALL)), [7]);
  const page = (messages, more) => ({ with: 'bia', messages, more });
  store.takeHistory(page([said(5, 4), said(6, 5)], true), { before: 7 });
  assert.deepEqual(ids(bia(), extent(bia(), ALL)), [5, 6, 7]);
  store.takeHistory(page([said(3, 2), said(4, 3)], true), { before: 5 });
  assert.deepEqual(ids(bia(), extent(bia(), ALL)), [1, 2, 3, 4, 5, 6, 7]);
});

test('a hole that has nothing in it is none, whatever prev says', () => {
  const { store, take, bia } = setUp();
  take(said(1, 0), said(9, 8));
  store.takeHistory({ with: 'bia', messages: [said(1, 0)], more: false }, { before: 9 });
  assert.deepEqual(ids(bia(), extent(bia(), ALL)), [1, 9]);
  assert.equal(bia().isFirst(0), true);
});

test('who joined a group late is at its beginning when the server has no more', () => {
  const { store } = setUp();
  const message = { msg_id: 9, prev: 8, sender: 'bia', group_name: 'G', content: 'oi', ts: DAY };
  store.takeHistory({ group_name: 'G', messages: [message], more: false }, {});
  assert.equal(store.conversations.get('g:G').isFirst(0), true);
});

test('a window in the middle does not reach over its end', () => {
  const { take, bia } = setUp();
  take(said(1, 0), said(2, 1), said(3, 2), said(4, 3));
  assert.deepEqual(ids(bia(), extent(bia(), { low: 2, high: 3 })), [2, 3]);
});

test('what others write is unread once, what was counted by the server is not counted again', () => {
  const { store, take, bia } = setUp();
  take(said(1, 0), said(2, 1), said(2, 1), said(3, 2, 'ana'));
  assert.equal(bia().unread, 2);
  store.takeList([{ with: 'bia', last: said(5, 4), unread: 3, read: 0 }]);
  take(said(4, 3, 'bia', { backlog: true }), said(5, 4, 'bia', { backlog: true }));
  assert.equal(bia().unread, 3);
  take(said(6, 5));
  assert.equal(bia().unread, 4);
  bia().readUpTo(6);
  assert.equal(store.unread, 0);
});

test('ticks: sent, delivered, read, and in a group only when all others have it', () => {
  const { store, take, bia } = setUp();
  take(said(1, 0, 'ana'));
  const state = () => bia().stateOf(bia().find(1), 'ana');
  assert.equal(state(), 'sent');
  store.takeReceipt({ kind: 'delivered', by: 'bia', with: 'bia', msg_id: 1 });
  assert.equal(state(), 'delivered');
  store.takeReceipt({ kind: 'read', by: 'bia', with: 'bia', msg_id: 1 });
  assert.equal(state(), 'read');
  const group = store.conversation('g', 'G');
  group.members = [{ name: 'ana' }, { name: 'bia' }, { name: 'caio' }];
  group.put({ ...bia().find(1) });
  store.takeReceipt({ kind: 'read', by: 'bia', group_name: 'G', msg_id: 1 });
  assert.equal(group.stateOf(group.find(1), 'ana'), 'sent');
  store.takeReceipt({ kind: 'delivered', by: 'caio', group_name: 'G', msg_id: 1 });
  assert.equal(group.stateOf(group.find(1), 'ana'), 'delivered');
});

test('what is said about strangers opens no conversation', () => {
  const { store } = setUp();
  store.takeTyping({ user: 'eva' });
  store.takeReceipt({ kind: 'read', by: 'eva', with: 'eva', msg_id: 1 });
  store.takeChange({ msg_id: 1, with: 'eva', deleted: true });
  assert.equal(store.takeGroupEvent({ group_name: 'X', event: 'left', user: 'eva', by: 'eva', ts: DAY }), null);
  assert.equal(store.conversations.size, 0);
});

test('a name of the language is only a name', () => {
  const { store } = setUp();
  for (const name of ['__proto__', 'constructor', 'toString']) {
    store.take({ ...said(1, 0), sender: name }, { event: true });
    assert.equal(store.conversations.get(`p:${name}`).messages.length, 1);
  }
  assert.equal(store.conversations.size, 3);
});

test('rows: a day, the divider before the first that others wrote, groups of one speaker', () => {
  const { take, bia } = setUp();
  take(said(1, 0), said(2, 1, 'ana', { id: 'a-1' }), said(3, 2), said(4, 3));
  const pending = [{ id: 'a-2', content: 'depois', ts: DAY + 9 }];
  const rows = rowsOf(bia(), { window: ALL, me: 'ana', divider: 1, pending, uploads: [] });
  assert.deepEqual(rows.map(({ type }) => type), ['day', 'message', 'message', 'divider', 'message', 'message', 'pending']);
  assert.deepEqual(rows.filter(({ sender }) => sender).map(({ first, last }) => [first, last]),
    [[true, true], [true, true], [true, false], [false, true], [true, true]]);
  assert.equal(new Set(rows.map(({ key }) => key)).size, rows.length);
});

test('the row of a message is the same before and after the server has numbered it', () => {
  const { store } = setUp();
  const conversation = store.conversation('p', 'bia');
  const view = { window: ALL, me: 'ana', divider: null, uploads: [] };
  const before = rowsOf(conversation, { ...view, pending: [{ id: 'a-1', content: 'oi', ts: DAY }] });
  store.take(said(1, 0, 'ana', { id: 'a-1' }));
  const after = rowsOf(conversation, { ...view, pending: [] });
  assert.equal(before.at(-1).key, after.at(-1).key);
});

test('a reaction of the user replaces the one before', () => {
  const { take, bia } = setUp();
  take(said(1, 0, 'bia', { reactions: [{ emoji: '👍', users: ['bia', 'ana'] }] }));
  bia().react(1, 'ana', '🎉');
  assert.deepEqual(bia().find(1).reactions, [{ emoji: '👍', users: ['bia'] }, { emoji: '🎉', users: ['ana'] }]);
  bia().react(1, 'ana', '');
  assert.deepEqual(bia().find(1).reactions, [{ emoji: '👍', users: ['bia'] }]);
});

test('what was read here after the server had counted is not unread again', () => {
  const { store, take, bia } = setUp();
  take(said(1, 0), said(2, 1));
  bia().readUpTo(2);
  store.takeList([{ with: 'bia', unread: 1, read: 1, last: said(2, 1) }]);
  assert.equal(bia().unread, 0);
  store.takeList([{ with: 'bia', unread: 1, read: 2, last: said(3, 2) }]);
  assert.equal(bia().unread, 1);
});

test('a group that the server does not list any more is one that the user is not in', () => {
  const { store } = setUp();
  const [stays, gone] = ['A', 'B'].map((name) => store.conversation('g', name));
  store.keepGroups(['A']);
  assert.deepEqual([stays.gone, gone.gone], [null, 'removed']);
});
