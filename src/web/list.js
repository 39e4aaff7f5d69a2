// The left pane: conversations, newest first, and the search through them and their messages.

import { h, icon, iconButton, isolated, patch, setText, spoken } from './dom.js';
import { shortWhen } from './format.js';
import { drawAvatar, hashOf, plain } from './names.js';
import { newConversation, newGroup, joinGroup } from './people.js';
import { draftKey, recall } from './prefs.js';
import { showSettings } from './settings.js';
import { t } from './text.js';

const SEARCH_PAUSE_MS = 250;
const FOUND_MAX = 40;

export class List {
  #chat;
  #items = h('ul', { class: 'conversations' });
  #found = h('ul', { class: 'conversations found' });
  #foundPart;
  #nothing = h('p', { class: 'hint', role: 'status' });
  #clear;
  #start;
  #query = '';
  #results = [];
  #timer = null;

  constructor(chat) {
    this.#chat = chat;
    this.search = h('input', {
      type: 'search', placeholder: t.searchShort, 'aria-label': t.search, autocomplete: 'off', maxlength: 200,
      on: { input: () => this.#typed(), keydown: (event) => this.#searchKey(event) },
    });
    this.#clear = iconButton('close', t.clearSearch, () => this.#reset(), { class: 'small', hidden: true });
    this.#foundPart = h('div', { hidden: true }, h('h3', { text: t.messagesFound }), this.#found);
    this.#start = h('button', { type: 'button', class: 'primary', text: t.startOne, hidden: true, on: { click: () => newConversation(chat) } });
    this.element = h('section', { class: 'list', 'aria-label': t.conversations },
      h('header', { class: 'bar' },
        h('h2', { class: 'brand' }, h('img', { src: '/icon.svg', alt: '', width: 28, height: 28 }), h('span', { text: 'papo' })),
        iconButton('compose', t.newConversation, () => newConversation(chat)),
        iconButton('group', t.newGroup, () => newGroup(chat)),
        iconButton('gear', t.settings, () => showSettings(chat))),
      h('div', { class: 'search', role: 'search' }, icon('search'), this.search, this.#clear),
      h('div', { class: 'scroll', on: { keydown: (event) => this.#arrows(event) } },
        this.#items, this.#foundPart, this.#nothing,
        h('p', { class: 'more-ways' }, this.#start,
          h('button', { type: 'button', class: 'quiet', text: t.joinGroup, on: { click: () => joinGroup(chat) } }))));
  }

  /** Opens the conversation before or after the open one. */
  step(by) {
    const all = this.#matching();
    const next = all[Math.min(Math.max(all.indexOf(this.#chat.open) + by, 0), all.length - 1)];
    if (next) this.#chat.show(next);
  }

  /** Puts the focus on a conversation's line. */
  focus(conversation) {
    const line = [...this.#items.querySelectorAll('a')].find((a) => a.getAttribute('href') === hashOf(conversation));
    (line ?? this.search).focus();
  }

  draw() {
    const matching = this.#matching();
    patch(this.#items, matching, {
      key: (conversation) => conversation,
      make: () => this.#makeLine(),
      update: (element, conversation) => this.#updateLine(element, conversation),
    });
    patch(this.#found, this.#results, {
      key: ({ msg_id: id }) => id,
      make: (frame) => this.#makeFound(frame),
      update: () => {},
    });
    this.#foundPart.hidden = this.#results.length === 0;
    this.#clear.hidden = this.#query === '';
    const empty = matching.length === 0 && this.#results.length === 0;
    const words = this.#query ? t.nothingFound : t.noConversations;
    const arrived = this.#chat.connection.state === 'open';
    this.#start.hidden = !empty || this.#query !== '' || !arrived;
    setText(this.#nothing, empty && arrived ? words : '');
  }

  #matching() {
    const all = this.#chat.store.sorted();
    const query = plain(this.#query);
    return query ? all.filter(({ name }) => plain(name).includes(query)) : all;
  }

  #makeLine() {
    const parts = {
      avatar: h('span', { class: 'avatar', 'aria-hidden': 'true' }),
      name: isolated('', { class: 'name' }),
      time: h('time', { class: 'time' }),
      preview: h('span', { class: 'preview', dir: 'auto' }),
      badge: h('span', { class: 'badge' }),
      presence: spoken(''),
    };
    const link = h('a', { class: 'line', on: { click: (event) => this.#clicked(event) } }, parts.avatar,
      h('span', { class: 'words' },
        h('span', { class: 'top' }, parts.name, parts.presence, parts.time),
        h('span', { class: 'below' }, parts.preview, parts.badge)));
    return Object.assign(h('li', {}, link), { parts, link });
  }

  #updateLine(element, conversation) {
    const { parts, link } = element;
    const { store } = this.#chat;
    const { kind, name, unread, last } = conversation;
    const online = kind === 'p' && store.isOnline(name);
    const preview = this.#preview(conversation);
    const drawn = JSON.stringify([kind, name, unread, last?.ts, online, preview, conversation === this.#chat.open, shortWhen(last?.ts ?? 0)]);
    if (element.drawn === drawn) return;
    element.drawn = drawn;
    link.conversation = conversation;
    link.setAttribute('href', hashOf(conversation));
    if (conversation === this.#chat.open) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
    drawAvatar(parts.avatar, conversation, online);
    setText(parts.name, name === store.me && kind === 'p' ? t.yourself(name) : name);
    setText(parts.presence, kind === 'g' ? `, ${t.groupLabel}` : `, ${online ? t.online : t.offline}`);
    setText(parts.time, last ? shortWhen(last.ts) : '');
    if (last) parts.time.setAttribute('datetime', new Date(last.ts).toISOString());
    parts.preview.replaceChildren(
      ...(preview.mark ? [h('span', { class: preview.kind, text: preview.mark })] : []), preview.text);
    parts.preview.classList.toggle('typing', preview.kind === 'typing');
    parts.badge.replaceChildren(...(unread ? [
      h('span', { 'aria-hidden': 'true', text: unread > 999 ? '999+' : String(unread) }), spoken(t.unread(unread))] : []));
    element.classList.toggle('unread', unread > 0);
  }

  /** What stands below the name: who is typing, the draft, or the last message. */
  #preview(conversation) {
    const { store, open } = this.#chat;
    const { kind, typing, key } = conversation;
    if (typing.size > 0) {
      const names = [...typing.keys()];
      return { kind: 'typing', text: kind === 'p' ? t.isTyping : t.typing(names) };
    }
    const draft = conversation === open ? null : recall(draftKey(store.me, conversation))?.text;
    if (draft) return { kind: 'draft', mark: t.draft, text: draft.slice(0, 200) };
    const waiting = this.#chat.session.outbox.entries.findLast((entry) => `${entry.kind}:${entry.name}` === key);
    if (waiting) return { mark: t.youSaid, kind: 'who', text: waiting.content.slice(0, 200) };
    const { last } = conversation;
    if (!last) return { text: '' };
    const text = last.deleted ? t.deleted : (last.file?.name ?? last.text.slice(0, 200));
    if (last.sender === store.me) return { kind: 'who', mark: t.youSaid, text };
    return kind === 'g' ? { kind: 'who', mark: t.said(last.sender), text } : { text };
  }

  #clicked(event) {
    // A new tab is the browser's business.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#chat.show(event.currentTarget.conversation);
  }

  #makeFound(frame) {
    const { store } = this.#chat;
    const conversation = store.conversationOf(frame);
    const who = frame.sender === store.me ? t.youSaid : t.said(frame.sender);
    const link = h('a', {
      class: 'line', href: hashOf(conversation),
      on: {
        click: (event) => {
          event.preventDefault();
          this.#chat.show(conversation, { at: frame.msg_id });
        },
      },
    }, h('span', { class: 'words' },
      h('span', { class: 'top' }, isolated(conversation.name, { class: 'name' }), h('time', { class: 'time', text: shortWhen(frame.ts) })),
      h('span', { class: 'below' }, h('span', { class: 'preview', dir: 'auto' },
        h('span', { class: 'who', text: who }), (frame.content ?? frame.filename ?? '').slice(0, 200)))));
    return h('li', {}, link);
  }

  #typed() {
    this.#query = this.search.value.trim();
    clearTimeout(this.#timer);
    if (this.#query.length < 2) this.#results = [];
    else this.#timer = setTimeout(() => this.#ask(), SEARCH_PAUSE_MS);
    this.#chat.draw();
  }

  async #ask() {
    const query = this.#query;
    try {
      const { messages } = await this.#chat.session.request('search', { query, limit: FOUND_MAX });
      if (query === this.#query) this.#results = messages;
    } catch (error) {
      if (!error?.code) throw error;
      this.#results = [];
    }
    this.#chat.draw();
  }

  #reset() {
    this.search.value = '';
    this.#typed();
    this.search.focus();
  }

  #searchKey(event) {
    if (event.key === 'Escape' && this.#query) {
      this.#reset();
      event.preventDefault();
    } else if (event.key === 'ArrowDown') {
      this.element.querySelector('.scroll a')?.focus();
      event.preventDefault();
    }
  }

  #arrows(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || event.altKey) return;
    const lines = [...this.element.querySelectorAll('.scroll a')];
    const at = lines.indexOf(document.activeElement);
    if (at < 0) return;
    event.preventDefault();
    if (at + by < 0) this.search.focus();
    else lines[Math.min(at + by, lines.length - 1)].focus();
  }
}
