// What a conversation's pane shows, as a list of rows: days, the divider, messages in groups, what
// happened in a group, messages on their way. Pure: no DOM, so that it is cheap to test.
//
// A pane shows a window of the messages, not all of them: those from `low` to `high`, back from
// `high` to the first hole. So every two messages that stand below each other belong there.

import { dayOf } from './format.js';

/** Messages of one person within this time are drawn as one group. */
const GROUP_MS = 5 * 60_000;

/**
 * The messages in the window, as indexes: from `from` to before `to`.
 * @param {import('./store.js').Conversation} conversation
 * @param {{low: number, high: number}} window ids, both included
 */
export function extent(conversation, { low, high }) {
  const { messages } = conversation;
  const to = high === Infinity ? messages.length : conversation.indexOf(high + 1);
  let from = to;
  while (from > 0 && messages[from - 1].id >= low && (from === to || conversation.joined(from))) from -= 1;
  return { from, to };
}

/**
 * @param {import('./store.js').Conversation} conversation
 * @param {{window: object, me: string, divider: number | null, pending: object[], uploads: object[]}} view
 * @returns {object[]} rows with a `key`, that is unique, and a `type`
 */
export function rowsOf(conversation, { window, me, divider, pending, uploads }) {
  const { messages, notes } = conversation;
  const { from, to } = extent(conversation, window);
  const rows = [];
  let day = null;
  let above = null;
  let divided = divider === null;
  const breakWith = (row) => {
    rows.push(row);
    above = null;
  };
  const addDay = (ts) => {
    if (day === dayOf(ts)) return;
    day = dayOf(ts);
    breakWith({ type: 'day', key: `day ${day}`, ts });
  };
  const addMessage = (row) => {
    row.first = above === null || above.sender !== row.sender || row.ts - above.ts > GROUP_MS;
    row.last = true;
    if (above && !row.first) above.last = false;
    above = row;
    rows.push(row);
  };
  const addNotes = (after) => {
    for (const note of notes) {
      if (note.after !== after) continue;
      addDay(note.ts);
      breakWith({ type: 'note', key: `note ${note.key}`, note });
    }
  };
  if (conversation.isFirst(from) || messages.length === 0) addNotes(0);
  for (let i = from; i < to; i += 1) {
    const message = messages[i];
    addDay(message.ts);
    if (!divided && message.id > divider && message.sender !== me) {
      divided = true;
      breakWith({ type: 'divider', key: 'divider' });
    }
    const mine = message.sender === me;
    // The same row before and after the server has given it a number.
    const key = mine && message.requestId !== undefined ? `own ${message.requestId}` : `message ${message.id}`;
    addMessage({ type: 'message', key, message, mine, sender: message.sender, ts: message.ts });
    addNotes(message.id);
  }
  if (window.high !== Infinity) return rows;
  for (const entry of pending) {
    addDay(entry.ts);
    addMessage({ type: 'pending', key: `own ${entry.id}`, entry, mine: true, sender: me, ts: entry.ts });
  }
  for (const upload of uploads) rows.push({ type: 'upload', key: `upload ${upload.key}`, upload });
  return rows;
}
