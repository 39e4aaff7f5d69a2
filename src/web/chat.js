// The chat after the login: the list on the left, a conversation on the right, and what the two
// share. On a narrow window one of them at a time. The address says which conversation is open
// (`#p/ana`, `#g/Trabalho`), so that the browser's own back and reload work.

import { h, looking, oncePerFrame, setText } from './dom.js';
import { Files } from './files.js';
import { showHelp } from './help.js';
import { List } from './list.js';
import { hashOf } from './names.js';
import { Notices } from './notices.js';
import { t } from './text.js';
import { Thread } from './thread.js';

export class Chat {
  /** @type {import('./store.js').Conversation | null} */
  open = null;

  #abort = new AbortController();
  #opened = false;

  /**
   * @param {import('./session.js').Session} session
   * @param {import('./connection.js').Connection} connection
   * @param {{restart: () => void, signOut: () => void}} calls
   */
  constructor(session, connection, calls) {
    this.session = session;
    this.connection = connection;
    this.calls = calls;
    this.draw = oncePerFrame(() => this.#draw());
    this.files = new Files(this);
    this.notices = new Notices(this);
    this.list = new List(this);
    this.thread = new Thread(this);
    this.status = h('p', { class: 'status', role: 'status', hidden: true });
    this.element = h('main', { class: 'chat' },
      h('h1', { class: 'spoken', text: 'papo' }), this.status, this.list.element, this.thread.element, this.notices.element);
    const { signal } = this.#abort;
    window.addEventListener('hashchange', () => this.#follow(), { signal });
    document.addEventListener('keydown', (event) => this.#key(event), { signal });
    for (const type of ['focus', 'blur']) window.addEventListener(type, () => this.#attention(), { signal });
    document.addEventListener('visibilitychange', () => this.#attention(), { signal });
    this.draw();
  }

  get store() {
    return this.session.store;
  }

  /** Takes the page apart: somebody else logs in, or the language changes. */
  end() {
    this.#abort.abort();
    this.thread.close();
    this.ended = true;
    this.element.remove();
  }

  /** The connection's state has changed. */
  connectionChanged() {
    if (this.connection.state === 'open') this.thread.connected();
    this.draw();
  }

  /** Opens a conversation; with `at`, where that message is. */
  show(conversation, { at } = {}) {
    const hash = hashOf(conversation);
    // One step back is always the list, however many were looked at.
    if (this.open) {
      history.replaceState(null, '', hash);
    } else if (location.hash !== hash) {
      this.#opened = true;
      location.hash = hash;
    }
    this.#open(conversation, at);
  }

  /** Back to the list. */
  showList() {
    if (this.#opened) history.back();
    else location.hash = '';
  }

  #attention() {
    if (looking()) this.session.lookAgain();
    this.thread.attention();
  }

  #open(conversation, at) {
    const other = this.open !== conversation;
    this.open = conversation;
    if (other || at) this.thread.show(conversation, at);
    this.draw();
  }

  /** Does what the address says. */
  #follow() {
    const conversation = this.#addressed();
    if (conversation) return this.#open(conversation);
    if (!this.open || location.hash.length > 1) return undefined;
    const was = this.open;
    this.open = null;
    this.#opened = false;
    this.thread.close();
    this.draw();
    return requestAnimationFrame(() => this.list.focus(was));
  }

  #addressed() {
    const [, kind, name] = /^#([pg])\/(.+)$/.exec(location.hash) ?? [];
    if (!kind) return null;
    try {
      return this.store.conversations.get(`${kind}:${decodeURIComponent(name)}`) ?? null;
    } catch {
      // Not an address of ours.
      return null;
    }
  }

  #draw() {
    if (this.ended || !this.store) return;
    if (!this.open && location.hash.length > 1) this.#follow();
    // A group that was renamed.
    if (this.open && location.hash !== hashOf(this.open) && !this.#addressed()) {
      history.replaceState(null, '', hashOf(this.open));
    }
    const { state } = this.connection;
    const words = { connecting: t.connecting, waiting: t.reconnecting }[state];
    this.status.hidden = !words;
    setText(this.status, words ?? '');
    this.element.classList.toggle('with-thread', Boolean(this.open));
    // The thread first: what it shows is read, and not unread in the list.
    this.thread.draw();
    this.list.draw();
    this.notices.draw();
  }

  #key(event) {
    if (document.querySelector('dialog[open], :popover-open') || event.defaultPrevented) return;
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key === '/') showHelp();
    else if (event.key === '?' && !/^(INPUT|TEXTAREA)$/.test(event.target.tagName)) showHelp();
    else if (control && event.key.toLowerCase() === 'k') this.#search();
    else if (event.altKey && event.key === 'ArrowDown') this.list.step(1);
    else if (event.altKey && event.key === 'ArrowUp') this.list.step(-1);
    else if (event.key === 'Escape' && this.open && this.thread.escape()) this.showList();
    else return;
    event.preventDefault();
  }

  #search() {
    // At once where it can be: the next key may come before the next picture.
    if (!this.open || !matchMedia('(max-width: 719px)').matches) return this.list.search.focus();
    this.showList();
    return requestAnimationFrame(() => requestAnimationFrame(() => this.list.search.focus()));
  }
}
