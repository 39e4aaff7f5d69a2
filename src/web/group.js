// The dialog of a group: who is in it, and what its members and admins may do.

import { ask, openDialog } from './dialog.js';
import { h, isolated, spoken } from './dom.js';
import { drawAvatar } from './names.js';
import { peoplePicker } from './people.js';
import { sentenceFor, t } from './text.js';

/** Opens the dialog of a group. */
export function showGroup(chat, conversation) {
  new GroupDialog(chat, conversation);
}

class GroupDialog {
  #chat;
  #group;
  #list = h('ul', { class: 'people', 'aria-label': t.membersTitle });
  #error = h('p', { class: 'below-field error', role: 'alert' });
  #ways = h('div', { class: 'choices' });
  #heading = h('h3');
  #dialog;

  constructor(chat, group) {
    this.#chat = chat;
    this.#group = group;
    this.#dialog = openDialog({
      title: group.name,
      body: [
        h('p', { class: 'under', text: group.private ? t.closedGroup : t.openGroup }),
        this.#error, this.#heading, this.#list, this.#ways,
      ],
    });
    this.#draw();
    this.#do(() => this.#reload());
  }

  get #admin() {
    const mine = this.#group.members?.find(({ name }) => name === this.#chat.store.me);
    return (mine?.role ?? this.#group.role) === 'admin';
  }

  async #reload() {
    await this.#chat.session.loadMembers(this.#group);
    await this.#chat.session.loadGroups();
  }

  #draw() {
    const members = this.#group.members ?? [];
    this.#dialog.querySelector('h2').textContent = this.#group.name;
    this.#heading.textContent = t.members(members.length);
    const focused = document.activeElement?.dataset.action;
    this.#list.replaceChildren(...members.map((member) => this.#member(member)));
    const button = (action, text, run, style = 'quiet') => h('button', { type: 'button', class: style, data: { action }, text, on: { click: run } });
    this.#ways.replaceChildren(
      button('add', t.addPeople, () => this.#add(), 'primary'),
      ...(this.#admin ? [button('rename', t.rename, () => this.#rename())] : []),
      button('leave', t.leave, () => this.#leave(), 'quiet danger-text'),
      ...(this.#admin ? [button('delete', t.deleteGroup, () => this.#delete(), 'quiet danger-text')] : []));
    if (focused) [...this.#dialog.querySelectorAll('[data-action]')].find((one) => one.dataset.action === focused)?.focus();
  }

  #member({ name, role, online }) {
    const { me } = this.#chat.store;
    const avatar = h('span', { 'aria-hidden': 'true' });
    drawAvatar(avatar, { kind: 'p', name }, online);
    const act = (type, text) => h('button', {
      type: 'button', class: 'quiet small', data: { action: `${type} ${name}` },
      on: { click: () => this.#change(type, { member: name }) },
    }, text, spoken(` ${name}`));
    const ways = this.#admin && name !== me ? [
      role === 'admin' ? act('demote_member', t.demote) : act('promote_member', t.promote),
      act('remove_member', t.remove),
    ] : [];
    return h('li', { class: 'person' }, avatar,
      h('span', { class: 'words' }, isolated(name === me ? t.yourself(name) : name, { class: 'name' }),
        h('span', { class: 'under', text: [role === 'admin' ? t.admin : '', online ? t.online : ''].filter(Boolean).join(' · ') })),
      h('span', { class: 'ways' }, ...ways));
  }

  #change(type, fields) {
    return this.#do(async () => {
      await this.#chat.session.request(type, { group_name: this.#group.name, ...fields });
      if (!this.#group.gone) await this.#reload();
    });
  }

  #add() {
    const without = new Set((this.#group.members ?? []).map(({ name }) => name));
    const picker = peoplePicker(this.#chat, {
      without,
      pick: (name) => {
        dialog.close();
        this.#change('add_member', { new_member: name });
      },
    });
    const dialog = openDialog({ title: t.addPeople, body: [picker.element] });
  }

  async #rename() {
    const name = await ask({ title: t.rename, field: { label: t.newName, value: this.#group.name, maxlength: 64 }, accept: t.save });
    if (name && name !== this.#group.name) await this.#change('rename_group', { new_name: name });
  }

  async #leave() {
    if (!(await ask({ title: t.leave, text: t.leaveAsk(this.#group.name), accept: t.leave, danger: true }))) return;
    await this.#end('leave_group', 'left');
  }

  async #delete() {
    if (!(await ask({ title: t.deleteGroup, text: t.deleteGroupAsk(this.#group.name), accept: t.deleteGroup, danger: true }))) return;
    await this.#end('delete_group', 'deleted');
  }

  async #end(type, how) {
    await this.#do(async () => {
      await this.#chat.session.request(type, { group_name: this.#group.name });
      this.#group.gone = how;
      this.#dialog.close();
      this.#chat.draw();
    });
  }

  async #do(work) {
    this.#error.textContent = '';
    try {
      await work();
    } catch (error) {
      if (!error?.code) throw error;
      this.#error.textContent = sentenceFor(error);
    }
    if (this.#dialog.open) this.#draw();
    this.#chat.draw();
  }
}
