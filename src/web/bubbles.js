// Draws the rows of a conversation: bubbles with their quotes, files, ticks and reactions, and the
// lines between them. A row is drawn anew when something in it has changed, and left alone otherwise.

import { ask } from './dialog.js';
import { h, icon, iconButton, isolated, spoken } from './dom.js';
import { clock, dayName } from './format.js';
import { colourOf } from './names.js';
import { openMenu } from './menu.js';
import { t, sentenceFor } from './text.js';

const EDIT_MS = 15 * 60_000;
const QUICK = ['👍', '❤️', '😂', '😮', '😢', '🙏', '🎉', '👀'];

/** Addresses that become links; nothing else does. */
const LINK = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;

export class Bubbles {
  #chat;
  #thread;
  /** Row element -> what it shows. */
  #of = new WeakMap();

  constructor(chat, thread) {
    this.#chat = chat;
    this.#thread = thread;
  }

  make(row) {
    switch (row.type) {
      case 'day':
        return h('li', { class: 'day' }, h('span', { text: dayName(row.ts) }));
      case 'divider':
        return h('li', { class: 'divider' }, h('span', { text: t.newMessages }));
      case 'note':
        return this.#note(row.note);
      case 'upload':
        return h('li', { class: 'message mine last' }, h('div', { class: 'bubble' }, this.#chat.files.uploadElement(row.upload)));
      default:
        return h('li', { class: 'message', tabindex: -1 });
    }
  }

  update(element, row, conversation) {
    if (row.type === 'message') this.#updateMessage(element, row, conversation);
    else if (row.type === 'pending') this.#updatePending(element, row, conversation);
  }

  /** The menu of the message in this row. */
  openMenu(element) {
    const { row, conversation } = this.#of.get(element) ?? {};
    if (row?.type !== 'message' || row.message.deleted) return;
    const anchor = element.querySelector('.more') ?? element;
    openMenu(anchor, this.#choices(element, row, conversation), element);
  }

  reply(element) {
    const { row, conversation } = this.#of.get(element) ?? {};
    if (row?.type === 'message' && !row.message.deleted && !conversation.gone) this.#thread.composer.reply(row.message);
  }

  #updateMessage(element, row, conversation) {
    const { message, mine, first, last } = row;
    const { me } = this.#chat.session;
    const state = mine ? conversation.stateOf(message, me) : '';
    const quoted = message.replyTo ? conversation.find(message.replyTo) : null;
    const drawn = [message.id, message.version, first, last, quoted?.version].join();
    const was = this.#of.get(element);
    this.#of.set(element, { row, conversation, drawn, state, file: was?.file });
    if (was?.drawn !== drawn) {
      element.dataset.msgId = message.id;
      element.className = classOf(row, { deleted: message.deleted, again: Boolean(was) });
      this.#fill(element, row, conversation, quoted);
    }
    if (mine && (was?.drawn !== drawn || was.state !== state)) {
      element.dataset.state = state;
      drawTicks(element.querySelector('.ticks'), state);
    }
  }

  #updatePending(element, row, conversation) {
    const { entry, first, last } = row;
    const state = entry.error ? 'failed' : 'pending';
    const drawn = ['pending', state, first, last].join();
    if (this.#of.get(element)?.drawn === drawn) return;
    this.#of.set(element, { row, conversation, drawn });
    element.dataset.state = state;
    element.className = classOf(row);
    const quoted = entry.replyTo ? conversation.find(entry.replyTo) : null;
    const { outbox } = this.#chat.session;
    const bubble = h('div', { class: 'bubble' },
      entry.replyTo ? this.#quote(entry.replyTo, quoted) : null,
      textOf(entry.content),
      meta(entry.ts, { ticks: true }));
    drawTicks(bubble.querySelector('.ticks'), state);
    if (entry.error) {
      bubble.append(h('div', { class: 'failure' },
        h('p', { text: sentenceFor(entry.error) }),
        h('button', { type: 'button', text: t.tryAgain, on: { click: () => outbox.retry(entry.id) } }),
        h('button', { type: 'button', text: t.discard, on: { click: () => outbox.remove(entry.id) } })));
    }
    element.replaceChildren(bubble);
  }

  #fill(element, row, conversation, quoted) {
    const { message, mine, first } = row;
    const bubble = h('div', { class: 'bubble' });
    const speaker = mine ? t.you : message.sender;
    if (first && conversation.kind === 'g' && !mine) {
      bubble.append(h('p', { class: `sender name-${colourOf(message.sender)}` }, isolated(message.sender)));
    } else {
      bubble.append(spoken(`${speaker}: `));
    }
    if (message.replyTo && !message.deleted) bubble.append(this.#quote(message.replyTo, quoted));
    if (message.deleted) bubble.append(h('p', { class: 'text', text: t.deleted }));
    else if (message.file) bubble.append(this.#file(element, message));
    else bubble.append(textOf(message.text));
    bubble.append(meta(message.ts, { edited: message.edited && !message.deleted, ticks: mine && !message.deleted }));
    const hadFocus = element.contains(document.activeElement) && document.activeElement !== element;
    const more = message.deleted ? null
      : iconButton('more', t.more, () => this.openMenu(element), { class: 'more', tabindex: -1, 'aria-haspopup': 'menu' });
    if (more) bubble.append(more);
    element.replaceChildren(bubble, ...this.#reactions(message, conversation));
    if (hadFocus) element.focus({ preventScroll: true });
  }

  /** The same element as before, so that a picture is not fetched again for a reaction. */
  #file(element, message) {
    const shows = this.#of.get(element);
    shows.file ??= this.#chat.files.element(message.file);
    return shows.file;
  }

  #quote(id, quoted) {
    const { me } = this.#chat.session;
    const name = quoted ? (quoted.sender === me ? t.you : quoted.sender) : '';
    const words = quoted ? quotedText(quoted) : t.unknownMessage;
    return h('button', { type: 'button', class: 'quote', on: { click: () => this.#thread.goTo(id) } },
      quoted ? spoken(t.replied(name)) : null,
      quoted ? h('span', { class: `name name-${colourOf(quoted.sender)}`, 'aria-hidden': 'true' }, isolated(name)) : null,
      h('span', { class: 'quoted', dir: 'auto', text: words }));
  }

  #reactions(message, conversation) {
    if (message.deleted || message.reactions.length === 0) return [];
    const { me } = this.#chat.session;
    return [h('div', { class: 'reactions' }, ...message.reactions.map(({ emoji, users }) => {
      const label = t.reactedBy(emoji, users.slice(0, 20).map((user) => (user === me ? t.you : user)).join(', '));
      return h('button', {
        type: 'button', class: 'reaction', 'aria-label': label, title: label,
        'aria-pressed': String(users.includes(me)),
        on: { click: () => this.#do(this.#chat.session.react(conversation, message, emoji)) },
      }, h('bdi', { text: emoji }), users.length > 1 ? h('span', { text: String(users.length) }) : null);
    }))];
  }

  #note({ event, user, by, newName }) {
    const say = t.event[event];
    return h('li', { class: 'note' }, h('span', { dir: 'auto', text: say ? say(user, by ?? user, newName) : event }));
  }

  #choices(element, { message, mine }, conversation) {
    const { session } = this.#chat;
    const open = !conversation.gone;
    const admin = conversation.kind === 'g' && conversation.role === 'admin';
    const choices = [];
    if (open) {
      choices.push({ quick: QUICK.map((emoji) => ({ text: emoji, label: t.react(emoji), run: () => this.#do(session.react(conversation, message, emoji)) })) });
      choices.push({ label: t.reactOther, run: () => this.#reactOther(conversation, message) });
      choices.push({ label: t.reply, run: () => this.#thread.composer.reply(message) });
    }
    if (!message.file) choices.push({ label: t.copy, run: () => this.#copy(message.text) });
    if (open && this.mayEdit(message)) choices.push({ label: t.edit, run: () => this.#thread.composer.edit(message) });
    if (open && (mine || admin)) choices.push({ label: t.delete, run: () => this.#delete(conversation, message, element) });
    return choices;
  }

  /** Whether the server would take another text for it. */
  mayEdit(message) {
    return message.sender === this.#chat.session.me && !message.deleted && !message.file && Date.now() - message.ts < EDIT_MS;
  }

  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // No secure page, or not allowed: the old way.
      const area = h('textarea', { class: 'spoken' });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
    this.#chat.notices.say(t.copied);
  }

  async #delete(conversation, message) {
    const answer = await ask({ title: t.delete, text: t.deleteAsk, accept: t.delete, danger: true });
    if (answer) this.#do(this.#chat.session.delete(conversation, message));
  }

  async #reactOther(conversation, message) {
    const answer = await ask({ title: t.reaction, field: { label: t.reactionHint, maxlength: 16 }, accept: t.send });
    if (answer) this.#do(this.#chat.session.react(conversation, message, answer));
  }

  async #do(work) {
    try {
      await work;
    } catch (error) {
      if (!error?.code) throw error;
      this.#chat.notices.tell(sentenceFor(error));
    }
  }
}

/** What a quote shows of a message. */
export function quotedText({ deleted, file, text }) {
  return deleted ? t.deleted : (file?.name ?? text.slice(0, 300));
}

function classOf({ mine, first, last }, { deleted, again } = {}) {
  return ['message', mine && 'mine', first && 'first', last && 'last', deleted && 'deleted', again && 'again']
    .filter(Boolean).join(' ');
}

/** The text of a message, with web addresses as links. */
function textOf(text) {
  const element = h('p', { class: 'text', dir: 'auto' });
  let at = 0;
  for (const { 0: address, index } of text.matchAll(LINK)) {
    if (!URL.canParse(address)) continue;
    element.append(text.slice(at, index), h('a', { href: address, target: '_blank', rel: 'noopener noreferrer', text: address }));
    at = index + address.length;
  }
  element.append(text.slice(at));
  return element;
}

function meta(ts, { edited = false, ticks = false } = {}) {
  return h('span', { class: 'meta' },
    edited ? h('span', { text: `${t.edited} ` }) : null,
    h('time', { datetime: new Date(ts).toISOString(), text: clock(ts) }),
    ticks ? h('span', { class: 'ticks' }) : null);
}

/** 🕓 ✓ ✓✓ as drawings, and as a word for screen readers. */
function drawTicks(element, state) {
  if (!element) return;
  element.className = `ticks ${state}`;
  element.replaceChildren(icon(state === 'read' ? 'delivered' : state), spoken(` ${t[state]}`));
}
