// Dialogs. The platform's own `dialog` keeps the focus inside and gives it back; here is what all
// of them share: a title, a way out, and going away after they were closed.

import { h, iconButton } from './dom.js';
import { t } from './text.js';

let made = 0;

/**
 * Opens a dialog with these contents; `element.close()` ends it.
 * @param {{title: string, body: (Node | string | null)[], wide?: boolean}} what
 * @returns {HTMLDialogElement}
 */
export function openDialog({ title, body, wide = false }) {
  made += 1;
  const id = `dialog-${made}`;
  const dialog = h('dialog', { class: wide ? 'wide' : '', 'aria-labelledby': id },
    h('header', { class: 'bar' },
      h('h2', { id, dir: 'auto', text: title }),
      iconButton('close', t.close, () => dialog.close())),
    h('div', { class: 'contents' }, ...body));
  dialog.addEventListener('close', () => dialog.remove());
  // A click beside the dialog is one on the dialog itself: its contents cover the rest.
  dialog.addEventListener('pointerdown', (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  // What is only read must still be scrolled by keys.
  const contents = dialog.querySelector('.contents');
  if (!contents.querySelector('button, input, select, a')) contents.tabIndex = 0;
  (dialog.querySelector('[autofocus]') ?? dialog.querySelector('input, .contents button'))?.focus();
  return dialog;
}

/**
 * Asks something. Resolves to what was typed, to true when there is no field, or to null.
 * @param {{title: string, text?: string, field?: {label: string, value?: string, maxlength?: number},
 *   accept: string, danger?: boolean}} what
 */
export function ask({ title, text, field, accept, danger = false }) {
  return new Promise((resolve) => {
    const input = field ? labelled(field.label, { maxlength: field.maxlength, value: field.value }) : null;
    const form = h('form', {},
      text ? h('p', { dir: 'auto', text }) : null,
      input?.element,
      h('div', { class: 'choices' },
        h('button', { type: 'button', class: 'quiet', text: t.cancel, on: { click: () => dialog.close() } }),
        h('button', { type: 'submit', class: danger ? 'danger' : 'primary', text: accept, autofocus: !field })));
    let answer = null;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      answer = input ? input.value : true;
      if (answer) dialog.close();
      else input.field.focus();
    });
    const dialog = openDialog({ title, body: [form] });
    dialog.addEventListener('close', () => resolve(answer));
  });
}

let fields = 0;

/**
 * A field with its label, and room for an error next to it.
 * @returns {{element: HTMLElement, field: HTMLInputElement, value: string, complain: (sentence: string) => void}}
 */
export function labelled(label, props = {}) {
  fields += 1;
  const id = `field-${fields}`;
  const { hint, value = '', ...rest } = props;
  const field = h('input', { id, type: 'text', autocomplete: 'off', 'aria-describedby': `${id}-below`, ...rest });
  field.value = value;
  const below = h('p', { id: `${id}-below`, class: 'below-field', text: hint ?? '' });
  const complain = (sentence) => {
    below.textContent = sentence || (hint ?? '');
    below.classList.toggle('error', Boolean(sentence));
    if (sentence) {
      below.setAttribute('role', 'alert');
      field.setAttribute('aria-invalid', 'true');
      field.focus();
    } else {
      below.removeAttribute('role');
      field.removeAttribute('aria-invalid');
    }
  };
  field.addEventListener('input', () => complain(''));
  return {
    element: h('div', { class: 'field' }, h('label', { for: id, text: label }), field, below),
    field,
    complain,
    get value() {
      return field.value.trim();
    },
  };
}
