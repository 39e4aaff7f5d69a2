// The dialogs that begin something: a conversation with a person, a group, an open group to join.

import { labelled, openDialog } from './dialog.js';
import { h, isolated, patch } from './dom.js';
import { drawAvatar, plain } from './names.js';
import { sentenceFor, t } from './text.js';

/** People shown at once; with more, typing finds the others. */
const SHOWN_MAX = 50;

/** Picks a person and opens the conversation. */
export function newConversation(chat) {
  const picker = peoplePicker(chat, {
    pick: (name) => {
      dialog.close();
      chat.show(chat.store.conversation('p', name));
    },
  });
  const dialog = openDialog({ title: t.newConversation, body: [picker.element] });
}

/** Makes a group, with its first members. */
export function newGroup(chat) {
  const name = labelled(t.groupName, { maxlength: 64 });
  const closed = h('input', { type: 'checkbox' });
  const chosen = new Set();
  const picker = peoplePicker(chat, { chosen, without: new Set([chat.store.me]) });
  const form = h('form', {}, name.element,
    h('label', { class: 'check' }, closed, h('span', { text: t.privateGroup })),
    h('h3', { text: t.addPeople }), picker.element,
    h('div', { class: 'choices' }, h('button', { type: 'submit', class: 'primary', text: t.create })));
  const dialog = openDialog({ title: t.newGroup, body: [form] });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (!name.value) return name.complain(t.nameNeeded);
    try {
      await chat.session.request('create_group', { group_name: name.value, private: closed.checked });
    } catch (error) {
      if (!error?.code) throw error;
      return name.complain(sentenceFor(error));
    }
    dialog.close();
    return begin(chat, name.value, [...chosen]);
  });
}

async function begin(chat, name, members) {
  const { session, notices } = chat;
  for (const member of members) {
    try {
      await session.request('add_member', { group_name: name, new_member: member });
    } catch (error) {
      if (!error?.code) throw error;
      notices.tell(t.notAdded(member, sentenceFor(error)));
    }
  }
  await enter(chat, name);
}

/** Enters an open group by its name. */
export function joinGroup(chat) {
  const name = labelled(t.groupName, { maxlength: 64 });
  const form = h('form', {}, name.element,
    h('div', { class: 'choices' }, h('button', { type: 'submit', class: 'primary', text: t.join })));
  const dialog = openDialog({ title: t.joinGroup, body: [form] });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (!name.value) return name.complain(t.nameNeeded);
    try {
      await chat.session.request('join_group', { group_name: name.value });
    } catch (error) {
      if (!error?.code) throw error;
      if (error.code !== 'already_member') return name.complain(sentenceFor(error));
    }
    dialog.close();
    return enter(chat, name.value);
  });
}

/** Opens a group under the name that the server gave it, which may be another spelling. */
async function enter(chat, typed) {
  try {
    await chat.session.loadGroups();
  } catch (error) {
    if (!error?.code) throw error;
  }
  const same = (name) => name.normalize('NFKC').toLowerCase() === typed.normalize('NFKC').toLowerCase();
  const group = [...chat.store.conversations.values()].find(({ kind, name }) => kind === 'g' && same(name));
  if (group) chat.show(group);
}

/**
 * A field and the people it finds.
 * @param {{pick?: (name: string) => void, chosen?: Set<string>, without?: Set<string>}} how with `chosen`
 *   several are ticked, else one is picked
 */
export function peoplePicker(chat, { pick, chosen, without = new Set() }) {
  const items = h('ul', { class: 'people', 'aria-label': t.people });
  const hint = h('p', { class: 'hint', role: 'status' });
  const search = h('input', { type: 'search', placeholder: t.searchPeople, 'aria-label': t.searchPeople, autocomplete: 'off' });
  const draw = () => {
    const { people, me } = chat.store;
    const query = plain(search.value.trim());
    const found = [...people.keys()].filter((name) => !without.has(name) && plain(name).includes(query))
      .sort((a, b) => Number(people.get(b).online) - Number(people.get(a).online) || a.localeCompare(b));
    patch(items, found.slice(0, SHOWN_MAX), {
      key: (name) => name,
      make: (name) => makePerson(name, { online: people.get(name).online, me, pick, chosen }),
      update: () => {},
    });
    const more = found.length - SHOWN_MAX;
    hint.textContent = found.length === 0 ? t.nobodyFound : (more > 0 ? t.moreFound(more) : '');
  };
  search.addEventListener('input', draw);
  search.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') items.querySelector('button, input')?.focus();
    // Enter in this field finds; it does not send the form around it.
    if (event.key !== 'Enter') return;
    event.preventDefault();
    if (pick) items.querySelector('button')?.click();
  });
  items.addEventListener('keydown', (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const all = [...items.querySelectorAll('button, input')];
    (all[all.indexOf(document.activeElement) + by] ?? search).focus();
    event.preventDefault();
  });
  draw();
  chat.session.loadPeople().then(draw, () => {});
  return { element: h('div', { class: 'picker' }, search, items, hint), draw };
}

function makePerson(name, { online, me, pick, chosen }) {
  const avatar = h('span', { 'aria-hidden': 'true' });
  drawAvatar(avatar, { kind: 'p', name }, online);
  const words = [avatar, isolated(name === me ? t.yourself(name) : name, { class: 'name' }), h('span', { class: 'under', text: online ? t.online : '' })];
  if (!chosen) {
    return h('li', {}, h('button', { type: 'button', class: 'person', on: { click: () => pick(name) } }, ...words));
  }
  const box = h('input', { type: 'checkbox' });
  box.checked = chosen.has(name);
  box.addEventListener('change', () => (box.checked ? chosen.add(name) : chosen.delete(name)));
  return h('li', {}, h('label', { class: 'person' }, box, ...words));
}
