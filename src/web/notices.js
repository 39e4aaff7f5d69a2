// How the page says that something is new: to screen readers, in the title while nobody looks, as
// the system's notifications where they are allowed, and in a line at the bottom for what failed.

import { h, looking } from './dom.js';
import { t } from './text.js';

const SAID_MS = 1_000;
const TOLD_MS = 6_000;
const LINES_MAX = 3;
const SHOWN_CHARACTERS = 200;

export class Notices {
  #chat;
  #live = h('div', { class: 'spoken', 'aria-live': 'polite' });
  #toast = h('p', { class: 'toast', role: 'alert', hidden: true });
  #waiting = [];
  #timer = null;
  #toastTimer = null;

  constructor(chat) {
    this.#chat = chat;
    this.element = h('div', { class: 'notices' }, this.#live, this.#toast);
  }

  /** A message has come, now and not from before. */
  arrived(conversation, message) {
    const words = message.file ? t.file(message.file.name) : message.text.slice(0, SHOWN_CHARACTERS);
    const { kind, name } = conversation;
    this.say(kind === 'g' ? t.arrivedIn(message.sender, name, words) : t.arrived(message.sender, words));
    if (looking() || !this.#allowed()) return;
    const body = kind === 'g' ? t.arrived(message.sender, words) : words;
    try {
      const notification = new Notification(name, { body, tag: conversation.key, icon: '/icon.svg' });
      notification.onclick = () => {
        window.focus();
        this.#chat.show(conversation);
        notification.close();
      };
    } catch {
      // Some browsers have the permission but no notifications from a page.
    }
  }

  /** Says something to screen readers, at their pace. */
  say(sentence) {
    this.#waiting.push(sentence);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#live.replaceChildren(...this.#waiting.splice(0).slice(-LINES_MAX).map((text) => h('p', { text })));
    }, SAID_MS);
  }

  /** Shows a sentence for a moment: what did not work, or what did. */
  tell(sentence) {
    clearTimeout(this.#toastTimer);
    this.#toast.hidden = false;
    this.#toast.textContent = sentence;
    this.#toastTimer = setTimeout(() => {
      this.#toast.hidden = true;
    }, TOLD_MS);
  }

  /** The title and its drawing say how much is unread. */
  draw() {
    const { unread } = this.#chat.store;
    const title = unread > 0 ? `(${unread}) papo` : 'papo';
    if (document.title === title) return;
    document.title = title;
    document.querySelector('link[rel=icon]').href = unread > 0 ? '/icon-unread.svg' : '/icon.svg';
  }

  #allowed() {
    return 'Notification' in window && Notification.permission === 'granted';
  }
}
