// The right pane: one conversation. Which part of it is drawn, where it is scrolled to, what has
// been read, and the keys that move through it. The rows themselves are drawn by bubbles.js.
//
// Whatever is added above or below, the view must not jump: before drawing, the first message in
// view is noted, and after it scrolled back to where it was; whoever is at the end stays there.

import { Bubbles } from './bubbles.js';
import { Composer } from './composer.js';
import { h, iconButton, isolated, looking, patch, setText } from './dom.js';
import { when } from './format.js';
import { showGroup } from './group.js';
import { drawAvatar } from './names.js';
import { extent, rowsOf } from './rows.js';
import { t } from './text.js';

/** Messages drawn at first, and added when the edge comes near. */
const STEP = 50;
/** Above this, those that have long been scrolled out at the top are not drawn any more. */
const DRAWN_MAX = 400;
const EDGE_PX = 300;
const END_PX = 40;

export class Thread {
  #chat;
  #conversation = null;
  #window = { low: 0, high: Infinity };
  /** The last message that was read before this conversation was opened, if there were newer ones. */
  #divider = null;
  /** Where to go as soon as it is drawn: 'start' (the divider or the end), or a message's id. */
  #goal = null;
  #atEnd = true;
  /** Whether the field is to have the focus as soon as it is there. */
  #toFocus = false;
  #busy = false;
  #rows;
  #ol = h('ol', { class: 'rows' });
  #scroller;
  #hint = h('p', { class: 'hint' });
  #jump;
  #jumpCount = h('span', { class: 'badge' });
  #title = isolated('');
  #under = h('p', { class: 'under', dir: 'auto' });
  #avatar = h('span', { class: 'avatar', 'aria-hidden': 'true' });
  #details;
  #body;
  #nothing;

  constructor(chat) {
    this.#chat = chat;
    this.#rows = new Bubbles(chat, this);
    this.composer = new Composer(chat, this);
    this.#ol.addEventListener('keydown', (event) => this.#key(event));
    this.#scroller = h('div', { class: 'scroll', tabindex: -1, on: { scroll: () => this.#scrolled() } }, this.#hint, this.#ol);
    this.#jump = iconButton('down', t.toNewest, () => this.toEnd(), { class: 'jump', hidden: true });
    this.#jump.append(this.#jumpCount);
    this.#details = iconButton('info', t.details, () => showGroup(chat, this.#conversation));
    this.#body = h('div', { class: 'body', hidden: true },
      h('header', { class: 'bar' },
        iconButton('back', t.back, () => chat.showList(), { class: 'back' }),
        this.#avatar,
        h('div', { class: 'heading' }, h('h2', {}, this.#title), this.#under),
        this.#details),
      h('div', { class: 'middle' }, this.#scroller, this.#jump),
      this.composer.element);
    this.#nothing = h('div', { class: 'nothing' },
      h('img', { src: '/icon.svg', alt: '', width: 72, height: 72 }), h('p', { text: t.pickOne }));
    this.element = h('section', { class: 'thread', 'aria-label': t.pickOne }, this.#body, this.#nothing);
    this.#takeDrops();
    new ResizeObserver(() => this.#keepEnd()).observe(this.#scroller);
    new ResizeObserver(() => this.#keepEnd()).observe(this.#ol);
  }

  /** Shows a conversation from its first unread message, or where the message `at` is. */
  show(conversation, at) {
    const other = conversation !== this.#conversation;
    if (other) {
      this.close();
      this.#conversation = conversation;
      this.#divider = conversation.unread > 0 ? conversation.read : null;
      this.composer.open(conversation);
    }
    if (at) {
      this.goTo(at);
    } else {
      this.#goal = 'start';
      this.#windowAtStart();
    }
    this.#load();
    // On a touch screen that would bring up the keyboard.
    this.#toFocus = !at && !matchMedia('(pointer: coarse)').matches;
  }

  close() {
    if (!this.#conversation) return;
    this.composer.close();
    this.#conversation = null;
    this.#goal = null;
    this.#ol.replaceChildren();
    patch(this.#ol, [], { key: String });
    this.#chat.files.release();
  }

  /** Logged in again: what is shown may have changed meanwhile. */
  connected() {
    this.#busy = false;
    this.#load();
  }

  /** Somebody looks at the page, or has stopped to. */
  attention() {
    if (!this.#conversation) return;
    if (!looking() && this.#conversation.unread === 0) this.#divider = null;
    this.#read();
    this.#chat.draw();
  }

  /** Whether this message can still be edited. */
  mayEdit(message) {
    return this.#rows.mayEdit(message);
  }

  /** What Escape means here. Whether it is for somebody else. */
  escape() {
    if (this.composer.cancel()) return false;
    if (this.#ol.contains(document.activeElement)) {
      this.composer.focus();
      return false;
    }
    return true;
  }

  /** To the newest message. */
  toEnd() {
    this.#windowAtEnd();
    this.#goal = null;
    this.#atEnd = true;
    this.#chat.draw();
    this.composer.focus();
  }

  /** The user has written something: whatever was new has been seen. */
  wrote() {
    this.#divider = null;
    this.toEnd();
  }

  /** To a message, wherever in the conversation it is. */
  async goTo(id) {
    const conversation = this.#conversation;
    this.#goal = id;
    this.#atEnd = false;
    try {
      if (!conversation.find(id)) await this.#chat.session.loadAround(conversation, id);
    } catch (error) {
      if (!error?.code) throw error;
    }
    if (this.#conversation !== conversation || this.#goal !== id) return;
    if (conversation.find(id)) this.#windowAround(id);
    else this.#goal = null;
    this.#chat.draw();
  }

  draw() {
    const conversation = this.#conversation;
    this.#body.hidden = !conversation;
    this.#nothing.hidden = Boolean(conversation);
    if (!conversation) return;
    if (conversation.unread > 0 && this.#divider === null && !looking()) this.#divider = conversation.read;
    this.#drawHead(conversation);
    this.composer.draw();
    this.#trim(conversation);
    const { outbox, store } = this.#chat.session;
    const rows = rowsOf(conversation, {
      window: this.#window,
      me: store.me,
      divider: this.#divider,
      pending: outbox.entries.filter(({ kind, name }) => kind === conversation.kind && name === conversation.name),
      uploads: this.#chat.files.uploadsTo(conversation),
    });
    const anchor = this.#atEnd ? null : this.#anchor();
    patch(this.#ol, rows, {
      key: (row) => row.key,
      make: (row) => this.#rows.make(row, conversation),
      update: (element, row) => this.#rows.update(element, row, conversation),
    });
    this.#rove();
    this.#drawHint(conversation, rows);
    if (anchor?.row.isConnected) this.#scroller.scrollTop += anchor.row.getBoundingClientRect().top - anchor.top;
    this.#reach(conversation);
    this.#keepEnd();
    this.#drawJump();
    this.#scrolled();
    if (this.#toFocus) this.composer.focus();
    this.#toFocus = false;
  }

  #drawHead(conversation) {
    const { store } = this.#chat;
    const { kind, name, typing, members } = conversation;
    const online = kind === 'p' && store.isOnline(name);
    setText(this.#title, name);
    this.element.setAttribute('aria-label', kind === 'g' ? t.messagesIn(name) : t.messages(name));
    this.#ol.setAttribute('aria-label', this.element.getAttribute('aria-label'));
    if (this.#avatar.drawn !== `${kind}${name}${online}`) {
      this.#avatar.drawn = `${kind}${name}${online}`;
      drawAvatar(this.#avatar, conversation, online);
    }
    this.#details.hidden = kind !== 'g' || Boolean(conversation.gone);
    let under = '';
    if (typing.size > 0) under = kind === 'p' ? t.isTyping : t.typing([...typing.keys()]);
    else if (kind === 'g') under = members ? `${t.members(members.length)}: ${members.slice(0, 30).map((member) => member.name).join(', ')}` : t.groupLabel;
    else if (online) under = t.online;
    else under = store.people.get(name)?.lastSeen ? t.lastSeen(when(store.people.get(name).lastSeen)) : t.offline;
    setText(this.#under, under);
    this.#under.classList.toggle('typing', typing.size > 0);
  }

  #drawHint(conversation, rows) {
    const { from } = extent(conversation, this.#window);
    let words = t.loading;
    if (conversation.isFirst(from)) words = t.beginning;
    else if (rows.length === 0 && conversation.current) words = t.empty;
    else if (conversation.current && conversation.messages.length === 0) words = '';
    setText(this.#hint, words);
  }

  #drawJump() {
    this.#jump.hidden = this.#atEnd && this.#window.high === Infinity;
    const { unread } = this.#conversation;
    setText(this.#jumpCount, unread ? String(unread) : '');
    const label = unread ? t.toNewestWith(unread) : t.toNewest;
    if (this.#jump.title === label) return;
    this.#jump.title = label;
    this.#jump.setAttribute('aria-label', label);
  }

  // What is drawn.

  async #load() {
    const conversation = this.#conversation;
    if (!conversation) return;
    try {
      await this.#chat.session.loadNewest(conversation);
      if (conversation === this.#conversation && this.#goal === 'start') this.#windowAtStart();
    } catch (error) {
      if (!error?.code) throw error;
    }
    this.#chat.draw();
  }

  #windowAtEnd() {
    const { messages } = this.#conversation;
    this.#window = { low: messages.at(-STEP)?.id ?? 0, high: Infinity };
  }

  /** At the first unread message, without drawing all of them when they are many. */
  #windowAtStart() {
    const { messages, unread, read } = this.#conversation;
    this.#windowAtEnd();
    if (unread === 0) return;
    const first = this.#conversation.indexOf(read + 1);
    this.#window.low = Math.min(this.#window.low, messages[Math.max(first - STEP, 0)]?.id ?? 0);
    if (messages.length - first > 3 * STEP) this.#window.high = messages[first + 2 * STEP].id;
  }

  #windowAround(id) {
    const conversation = this.#conversation;
    const { messages } = conversation;
    const index = conversation.indexOf(id);
    this.#window = { low: messages[Math.max(index - STEP, 0)].id, high: id };
    this.#growDown(conversation);
  }

  /** Lets the window reach further down among what is known. Whether it could. */
  #growDown(conversation) {
    const { messages } = conversation;
    let { to } = extent(conversation, this.#window);
    const start = to;
    while (to < messages.length && to - start < STEP && conversation.joined(to)) to += 1;
    if (to === start && to < messages.length) return false;
    this.#window.high = to === messages.length ? Infinity : messages[to - 1].id;
    return true;
  }

  /** Whoever stays at the end for long would otherwise have everything drawn. */
  #trim(conversation) {
    const { messages } = conversation;
    if (!this.#atEnd || this.#goal !== null || this.#window.high !== Infinity) return;
    const { from } = extent(conversation, this.#window);
    if (messages.length - from > DRAWN_MAX) this.#window.low = messages.at(-2 * STEP).id;
  }

  /** Draws or fetches more where the edge of what is drawn comes near. */
  async #extend() {
    const conversation = this.#conversation;
    if (!conversation || this.#busy || this.#goal !== null) return;
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const { messages } = conversation;
    const { from, to } = extent(conversation, this.#window);
    if (to > from && scrollTop < EDGE_PX) {
      if (from > 0 && conversation.joined(from)) {
        this.#window.low = messages[Math.max(from - STEP, 0)].id;
        this.#chat.draw();
        return;
      }
      if (!conversation.isFirst(from)) {
        const first = messages[from].id;
        await this.#fetch(() => this.#chat.session.loadOlder(conversation, first));
        if (conversation !== this.#conversation) return;
        const index = conversation.indexOf(first);
        this.#window.low = messages[Math.max(index - STEP, 0)].id;
        return;
      }
    }
    if (this.#window.high !== Infinity && scrollHeight - scrollTop - clientHeight < EDGE_PX) {
      if (!this.#growDown(conversation)) {
        await this.#fetch(() => this.#chat.session.loadNewer(conversation, messages[to - 1].id));
        if (conversation === this.#conversation) this.#growDown(conversation);
      }
      this.#chat.draw();
    }
  }

  /** Fetches once at a time; after a failure not again before the next login. */
  async #fetch(work) {
    this.#busy = true;
    try {
      await work();
      this.#busy = false;
    } catch (error) {
      if (!error?.code) throw error;
    }
    this.#chat.draw();
  }

  // Where it is scrolled to.

  /**
   * The row in the middle of the view, found by halving: rows are in order. Not the first one, which
   * may be changed by what comes above it: it begins a group no more.
   */
  #anchor() {
    const rows = this.#ol.children;
    const { top, height } = this.#scroller.getBoundingClientRect();
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle].getBoundingClientRect().bottom <= top + height / 2) low = middle + 1;
      else high = middle;
    }
    const row = rows[low];
    return row ? { row, top: row.getBoundingClientRect().top } : null;
  }

  #reach(conversation) {
    if (this.#goal === 'start') {
      if (conversation.messages.length === 0 && !conversation.current) return;
      const divider = this.#ol.querySelector('.divider');
      this.#atEnd = !divider;
      divider?.scrollIntoView({ block: 'start' });
      const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
      if (scrollHeight - scrollTop - clientHeight < END_PX) this.#atEnd = true;
      if (conversation.current) this.#goal = null;
      return;
    }
    const row = this.#goal === null ? null : this.#ol.querySelector(`[data-msg-id="${Number(this.#goal)}"]`);
    if (!row) return;
    this.#goal = null;
    row.scrollIntoView({ block: 'center' });
    row.classList.add('found');
    setTimeout(() => row.classList.remove('found'), 2_500);
    this.#focusRow(row);
  }

  #keepEnd() {
    if (this.#atEnd && this.#window.high === Infinity) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #scrolled() {
    if (!this.#conversation || this.#goal !== null) return;
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const atEnd = scrollHeight - scrollTop - clientHeight < END_PX;
    this.#atEnd = atEnd;
    this.#read();
    this.#drawJump();
    this.#extend();
  }

  #read() {
    if (this.#atEnd && this.#goal === null && this.#window.high === Infinity && looking()) {
      this.#chat.session.read(this.#conversation);
    }
  }

  // Keys.

  /** Of all messages, one is reached by Tab; the arrows go from there. */
  #rove() {
    const rows = [...this.#ol.querySelectorAll('.message')];
    const active = rows.find((row) => row.tabIndex === 0) ?? rows.at(-1);
    const wanted = this.#ol.contains(document.activeElement) ? active : rows.at(-1);
    for (const row of rows) if (row.tabIndex === 0 && row !== wanted) row.tabIndex = -1;
    if (wanted && wanted.tabIndex !== 0) wanted.tabIndex = 0;
  }

  #focusRow(row) {
    for (const other of this.#ol.querySelectorAll('.message[tabindex="0"]')) other.tabIndex = -1;
    row.tabIndex = 0;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: 'nearest' });
  }

  #key(event) {
    const row = event.target.closest('.message');
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const rows = [...this.#ol.querySelectorAll('.message')];
    const at = rows.indexOf(row);
    const next = { ArrowUp: rows[at - 1], ArrowDown: rows[at + 1], Home: rows[0], End: rows.at(-1) }[event.key];
    if (next) this.#focusRow(next);
    else if (event.target === row && (event.key === 'Enter' || event.key === ' ' || event.key === 'ContextMenu')) this.#rows.openMenu(row);
    else if (event.target === row && event.key.toLowerCase() === 'r') this.#rows.reply(row);
    else if (event.key === 'ArrowDown' && at === rows.length - 1) this.composer.focus();
    else return;
    event.preventDefault();
  }

  #takeDrops() {
    const middle = this.#body;
    const cover = h('p', { class: 'drop', 'aria-hidden': 'true', text: t.dropHere });
    middle.append(cover);
    const carriesFiles = (event) => event.dataTransfer?.types.includes('Files') && !this.#conversation?.gone;
    middle.addEventListener('dragover', (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      middle.classList.add('dragging');
    });
    middle.addEventListener('dragleave', (event) => {
      if (!middle.contains(event.relatedTarget)) middle.classList.remove('dragging');
    });
    middle.addEventListener('drop', (event) => {
      middle.classList.remove('dragging');
      if (!carriesFiles(event)) return;
      event.preventDefault();
      this.#chat.files.send(this.#conversation, event.dataTransfer.files);
    });
  }
}
