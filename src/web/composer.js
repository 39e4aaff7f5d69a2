// Where messages are written: the field, what it answers or edits, files to go along, and the draft
// that is kept for each conversation.

import { quotedText } from './bubbles.js';
import { h, iconButton, setText } from './dom.js';
import { draftKey, keep, recall } from './prefs.js';
import { sentenceFor, t } from './text.js';

/** What the server takes as one message, in bytes of UTF-8. */
const TEXT_BYTES_MAX = 65_536;
const DRAFT_PAUSE_MS = 300;

export class Composer {
  #chat;
  #thread;
  #conversation = null;
  /** The message that is answered. */
  #answered = null;
  /** The message that is edited. */
  #edited = null;
  #draftTimer = null;
  #field;
  #send;
  #attach;
  #picker;
  #above;
  #aboveTitle = h('p', { class: 'name' });
  #aboveText = h('p', { class: 'quoted', dir: 'auto' });
  #error = h('p', { class: 'below-field error', role: 'alert', hidden: true });
  #gone = h('p', { class: 'gone', hidden: true });
  #form;

  constructor(chat, thread) {
    this.#chat = chat;
    this.#thread = thread;
    this.#field = h('textarea', {
      rows: 1, placeholder: t.write, dir: 'auto', enterkeyhint: 'send',
      on: {
        input: () => this.#typed(),
        keydown: (event) => this.#key(event),
        paste: (event) => this.#pasted(event),
      },
    });
    this.#picker = h('input', { type: 'file', multiple: true, hidden: true, tabindex: -1, 'aria-label': t.attach, on: { change: () => this.#picked() } });
    this.#attach = iconButton('attach', t.attach, () => this.#picker.click());
    this.#send = iconButton('send', t.send, () => this.#submit(), { class: 'send' });
    this.#above = h('div', { class: 'above', hidden: true },
      h('div', { class: 'quote' }, this.#aboveTitle, this.#aboveText),
      iconButton('close', t.cancel, () => this.cancel()));
    this.#form = h('form', {
      on: {
        submit: (event) => {
          event.preventDefault();
          this.#submit();
        },
      },
    }, this.#attach, this.#picker, this.#field, this.#send);
    this.element = h('footer', { class: 'composer' }, this.#above, this.#error, this.#form, this.#gone);
    window.addEventListener('pagehide', () => this.#keepDraft());
  }

  open(conversation) {
    this.#conversation = conversation;
    const draft = recall(this.#draftKey);
    this.#field.value = draft?.text ?? '';
    this.#answered = conversation.find(draft?.replyTo) ?? null;
    this.#edited = null;
    this.#field.setAttribute('aria-label', t.writeTo(conversation.name));
    this.#complain('');
    this.#drawAbove();
    this.#fit();
  }

  close() {
    this.#keepDraft();
    this.#conversation = null;
  }

  focus() {
    if (!this.#form.hidden) this.#field.focus();
  }

  /** Answers a message. */
  reply(message) {
    this.#leaveEditing();
    this.#answered = message;
    this.#drawAbove();
    this.#field.focus();
    this.#keepDraft();
  }

  /** Changes a message that was sent. */
  edit(message) {
    this.#keepDraft();
    this.#answered = null;
    this.#edited = message;
    this.#field.value = message.text;
    this.#drawAbove();
    this.#fit();
    this.#field.focus();
  }

  /** Neither answers nor edits. Whether there was something to give up. */
  cancel() {
    if (!this.#answered && !this.#edited) return false;
    this.#leaveEditing();
    this.#answered = null;
    this.#drawAbove();
    this.#keepDraft();
    this.#field.focus();
    return true;
  }

  draw() {
    const { gone } = this.#conversation;
    this.#form.hidden = Boolean(gone);
    this.#gone.hidden = !gone;
    setText(this.#gone, gone ? t.gone[gone] : '');
    if (this.#answered?.deleted || this.#edited?.deleted) this.cancel();
  }

  get #draftKey() {
    return draftKey(this.#chat.session.me, this.#conversation);
  }

  #keepDraft() {
    clearTimeout(this.#draftTimer);
    if (!this.#conversation || this.#edited || !this.#chat.store) return;
    const text = this.#field.value;
    keep(this.#draftKey, text || this.#answered ? { text, replyTo: this.#answered?.id } : null);
  }

  #leaveEditing() {
    if (!this.#edited) return;
    this.#edited = null;
    this.#field.value = recall(this.#draftKey)?.text ?? '';
    this.#fit();
  }

  #drawAbove() {
    const message = this.#edited ?? this.#answered;
    this.#above.hidden = !message;
    const { me } = this.#chat.session;
    const title = this.#edited ? t.editing : message && t.replyTo(message.sender === me ? t.you : message.sender);
    setText(this.#aboveTitle, title ?? '');
    setText(this.#aboveText, message ? quotedText(message) : '');
    this.#send.setAttribute('aria-label', this.#edited ? t.save : t.send);
    this.#send.title = this.#edited ? t.save : t.send;
  }

  /** As high as its text, up to what the style allows. */
  #fit() {
    this.#field.style.height = 'auto';
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }

  #complain(sentence) {
    this.#error.hidden = !sentence;
    setText(this.#error, sentence);
  }

  #typed() {
    this.#fit();
    this.#complain('');
    if (this.#field.value && !this.#edited) this.#chat.session.typing(this.#conversation);
    clearTimeout(this.#draftTimer);
    this.#draftTimer = setTimeout(() => this.#keepDraft(), DRAFT_PAUSE_MS);
  }

  #key(event) {
    // While an input method is composing, its keys are its own.
    if (event.isComposing) return;
    const touch = matchMedia('(pointer: coarse)').matches;
    if (event.key === 'Enter' && !event.shiftKey && !touch) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === 'ArrowUp' && this.#field.value === '' && !event.altKey) {
      const last = this.#conversation.messages.findLast((message) => message.sender === this.#chat.session.me && !message.deleted);
      if (!last || !this.#thread.mayEdit(last)) return;
      event.preventDefault();
      this.edit(last);
    }
  }

  async #submit() {
    const text = this.#field.value;
    const conversation = this.#conversation;
    if (text.trim() === '' || conversation.gone) return;
    if (new TextEncoder().encode(text).length > TEXT_BYTES_MAX) return this.#complain(t.tooLong);
    if (this.#edited) return this.#submitEdit(conversation, this.#edited, text);
    this.#chat.session.send(conversation, text, this.#answered?.id);
    this.#answered = null;
    this.#field.value = '';
    this.#keepDraft();
    this.#drawAbove();
    this.#fit();
    this.#thread.wrote();
  }

  async #submitEdit(conversation, message, text) {
    if (text === message.text) return this.cancel();
    try {
      await this.#chat.session.edit(conversation, message, text);
      if (this.#edited === message) this.cancel();
    } catch (error) {
      if (!error?.code) throw error;
      this.#complain(sentenceFor(error));
    }
  }

  #pasted(event) {
    const files = event.clipboardData?.files ?? [];
    if (files.length === 0) return;
    event.preventDefault();
    this.#chat.files.send(this.#conversation, files);
  }

  #picked() {
    this.#chat.files.send(this.#conversation, this.#picker.files);
    this.#picker.value = '';
    this.#field.focus();
  }
}
