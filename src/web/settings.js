// The settings: language, theme, notifications, the password, and leaving.

import { ask, labelled, openDialog } from './dialog.js';
import { h } from './dom.js';
import { showHelp } from './help.js';
import { keep, recall } from './prefs.js';
import { lang, languages, sentenceFor, setLang, t } from './text.js';

/** Puts the chosen language and theme into force. */
export function applyPreferences() {
  const preferred = navigator.language?.toLowerCase().startsWith('en') ? 'en' : 'pt';
  setLang(recall('lang') ?? preferred);
  document.documentElement.lang = lang() === 'pt' ? 'pt-BR' : 'en';
  const theme = recall('theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

/** The switch between the languages; also on the login. */
export function languageSwitch(onChange) {
  return choice(t.languageLabel, Object.keys(languages).map((code) => [code, languages[code].language]), lang(), (code) => {
    keep('lang', code);
    applyPreferences();
    onChange();
  });
}

/** Opens the settings. */
export function showSettings(chat) {
  const { session } = chat;
  const dialog = openDialog({
    title: t.settings,
    body: [
      h('p', { class: 'lead', dir: 'auto', text: t.signedInAs(session.me) }),
      languageSwitch(() => {
        dialog.close();
        chat.calls.restart();
        showSettings(chat.calls.chat());
      }),
      choice(t.theme, Object.entries(t.themes), recall('theme') ?? 'system', (theme) => {
        keep('theme', theme);
        applyPreferences();
      }),
      notifications(),
      h('section', {}, h('h3', { text: t.password }),
        h('p', { class: 'under', text: session.lockedToThisBrowser ? t.passwordWhy : '' }),
        h('button', { type: 'button', class: 'quiet', text: session.lockedToThisBrowser ? t.setPassword : t.changePassword, on: { click: () => changePassword(chat) } })),
      h('div', { class: 'choices' },
        h('button', { type: 'button', class: 'quiet', text: t.help, on: { click: () => { dialog.close(); showHelp(); } } }),
        h('button', { type: 'button', class: 'quiet danger-text', text: t.logout, on: { click: () => leave(chat, dialog) } })),
    ],
  });
}

function choice(label, options, chosen, onChange) {
  const select = h('select', {}, ...options.map(([value, text]) => h('option', { value, text, selected: value === chosen })));
  select.addEventListener('change', () => onChange(select.value));
  return h('label', { class: 'field' }, h('span', { text: label }), select);
}

function notifications() {
  const box = h('section', {});
  const draw = () => {
    const permission = 'Notification' in window && window.isSecureContext ? Notification.permission : 'missing';
    const words = { granted: t.notifyGranted, denied: t.notifyDenied, missing: t.notifyMissing }[permission];
    box.replaceChildren(h('h3', { text: t.notifications }),
      words ? h('p', { class: 'under', text: words }) : h('button', {
        type: 'button', class: 'quiet', text: t.notifyOn,
        on: {
          click: async () => {
            await Notification.requestPermission();
            draw();
          },
        },
      }));
  };
  draw();
  return box;
}

function changePassword(chat) {
  const { session } = chat;
  const fresh = labelled(t.newPassword, { type: 'password', autocomplete: 'new-password', maxlength: 512 });
  const old = session.lockedToThisBrowser ? null : labelled(t.oldPassword, { type: 'password', autocomplete: 'current-password', maxlength: 512 });
  const form = h('form', {}, old?.element, fresh.element,
    h('div', { class: 'choices' }, h('button', { type: 'submit', class: 'primary', text: t.save })));
  const dialog = openDialog({ title: session.lockedToThisBrowser ? t.setPassword : t.changePassword, body: [form] });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (!fresh.field.value) return fresh.complain(t.passwordMissing);
    try {
      await session.setPassword(fresh.field.value, old?.field.value);
    } catch (error) {
      if (!error?.code) throw error;
      return (error.code === 'wrong_password' && old ? old : fresh).complain(sentenceFor(error));
    }
    dialog.close();
    chat.notices.tell(t.passwordSaved);
    return undefined;
  });
}

async function leave(chat, dialog) {
  const { session } = chat;
  const waiting = session.outbox.entries.length;
  const text = [
    session.lockedToThisBrowser ? t.logoutLocked : t.logoutAsk,
    waiting ? t.logoutPending(waiting) : '',
  ].filter(Boolean).join(' ');
  const accept = session.lockedToThisBrowser ? t.logoutAnyway : t.logout;
  if (!(await ask({ title: t.logout, text, accept, danger: true }))) return;
  dialog.close();
  await session.leave();
  chat.calls.signOut();
}
