// Coming in: a name, and a password where the name has one.

import { labelled } from './dialog.js';
import { h, setText } from './dom.js';
import { languageSwitch } from './settings.js';
import { sentenceFor, t } from './text.js';

/** Refusals that are about the name, and those that ask for a password. */
const ABOUT_PASSWORD = new Set(['auth_required', 'wrong_password', 'too_many_attempts']);

export class Login {
  #session;
  #onEntered;
  #name;
  #password;
  #button;
  #status = h('p', { class: 'hint', role: 'status' });
  #busy = false;

  /**
   * @param {import('./session.js').Session} session
   * @param {{entered: () => void, restart: () => void, name?: string}} calls with `name`:
   *   of whoever was here until the server ended it
   */
  constructor(session, { entered, restart, name }) {
    this.#session = session;
    this.#onEntered = entered;
    this.#name = labelled(t.yourName, { autocomplete: 'username', maxlength: 64, hint: t.nameHint, autocapitalize: 'off', spellcheck: 'false' });
    this.#password = labelled(t.password, { type: 'password', autocomplete: 'current-password', maxlength: 512 });
    this.#password.element.hidden = true;
    this.#button = h('button', { type: 'submit', class: 'primary', text: t.enter });
    const form = h('form', {
      on: {
        submit: (event) => {
          event.preventDefault();
          this.#submit();
        },
      },
    }, this.#name.element, this.#password.element, this.#button, this.#status);
    this.#name.field.addEventListener('input', () => {
      this.#password.element.hidden = true;
    });
    this.element = h('main', { class: 'login' }, h('div', { class: 'panel' },
      h('img', { src: '/icon.svg', alt: '', width: 64, height: 64 }),
      h('h1', { text: 'papo' }), h('p', { class: 'lead', text: t.tagline }), form, languageSwitch(restart)));
    if (name) {
      this.#name.field.value = name;
      setText(this.#status, t.signedOut);
    }
  }

  focus() {
    this.#name.field.focus();
  }

  /** The connection's state has changed. */
  connectionChanged(state) {
    if (this.#busy && state === 'waiting') setText(this.#status, t.noServer);
  }

  async #submit() {
    const name = this.#name.value;
    if (!name) return this.#name.complain(t.nameMissing);
    if (this.#busy) return undefined;
    const shown = !this.#password.element.hidden;
    this.#become(true);
    try {
      await this.#session.enter(name, shown ? this.#password.field.value : undefined);
      this.#onEntered();
    } catch (error) {
      if (!error?.code) throw error;
      this.#become(false);
      this.#refused(error, shown);
    }
    return undefined;
  }

  #refused(error, shown) {
    if (!ABOUT_PASSWORD.has(error.code)) return this.#name.complain(sentenceFor(error));
    this.#password.element.hidden = false;
    this.#password.complain(error.code === 'auth_required' || !shown ? t.passwordNeeded : sentenceFor(error));
    this.#password.field.select();
    return undefined;
  }

  #become(busy) {
    this.#busy = busy;
    this.#button.setAttribute('aria-disabled', String(busy));
    setText(this.#button, busy ? t.entering : t.enter);
    setText(this.#status, '');
  }
}
