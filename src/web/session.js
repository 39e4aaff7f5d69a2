// One person at one server: logging in and staying so, what is asked of the server, and what its
// events do to the store. No DOM; the views call it and draw the store.
//
// The token. A login that asks for one claims the name; if the answer is lost, nobody has the token
// and the name is locked for good. So a new name is entered without, and is claimed by a password
// that this browser makes up and keeps *before* it sends it. Every later login can then ask for a
// token with a credential in hand, and repeat that as often as answers get lost.

import { Outbox, randomHex } from './outbox.js';
import { keep, recall, recallAll } from './prefs.js';
import { Store } from './store.js';
import { lang } from './text.js';
import { Transfers } from './transfers.js';

const FEATURES = ['receipts', 'presence', 'typing', 'chunks', 'groups'];

/** A newer `received` overtakes an older one; no need to send each. */
const RECEIVED_PAUSE_MS = 150;
const PEOPLE_PAUSE_MS = 500;
const TYPING_PAUSE_MS = 3_000;
const PAGE = 50;

/** How often a name is asked for with and without the secret before somebody else has it. */
const SECRET_TRIES = 7;

/** Refusals of a login after which asking again is of no use. */
const FINAL = new Set(['auth_required', 'wrong_password', 'invalid_name', 'name_confusable']);

export class Session {
  /** @type {Store | null} */
  store = null;
  /** @type {Outbox | null} */
  outbox = null;
  /** @type {Transfers | null} */
  transfers = null;

  #connection;
  #calls;
  #who = null;
  #entering = null;
  /** Whether the login was one that anybody could have made. */
  #toClaim = false;
  #peopleTimer = null;
  #receivedTimer = null;
  #receivedUpTo = 0;
  #typedAt = new Map();
  #loading = new Map();

  /**
   * @param {import('./connection.js').Connection} connection
   * @param {{change: () => void, signedOut: (name: string) => void,
   *   arrived: (conversation: object, message: object) => void}} calls
   */
  constructor(connection, calls) {
    this.#connection = connection;
    this.#calls = calls;
    this.#listen();
  }

  /** Whoever was here at the last visit: {name, token?, secret?}, or null. */
  static remembered() {
    return recall('who');
  }

  /** Whether this browser alone can enter the name: the password is one that it made up. */
  get lockedToThisBrowser() {
    return Boolean(this.#who?.secret);
  }

  get me() {
    return this.store?.me ?? '';
  }

  /** Logs in. Rejects with `{code, message}`. */
  enter(name, password) {
    // Who was here before in another tab may have left a secret: nothing else opens the name again.
    const secret = password ? undefined : recall(secretKey(name)) ?? undefined;
    this.#who = { name, password, secret };
    return new Promise((resolve, reject) => {
      this.#entering = { resolve, reject };
      this.#connection.start(() => this.#greet());
    });
  }

  /** Goes on as whoever was here before, connected or not. */
  resume() {
    this.#who = recall('who');
    this.#begin(this.#who.name);
    this.#connection.start(() => this.#greet());
  }

  async #greet() {
    const { name, token, password, secret, plain } = this.#who;
    const frame = { type: 'login', username: name, lang: lang(), client: 'papo-web', features: FEATURES };
    if (this.store?.newest) frame.since = this.store.newest;
    if (token) frame.token = token;
    else if (password) Object.assign(frame, { password, want_token: true });
    else if (secret && !plain) Object.assign(frame, { password: secret, want_token: true });
    let answer;
    try {
      answer = await this.#connection.ask(frame);
    } catch (error) {
      this.#refused(error);
      throw error;
    }
    this.#toClaim = !frame.token && !frame.password;
    this.#remember({ name: answer.username, token: answer.token ?? token, secret });
    if (!this.store) this.#begin(answer.username);
    this.#entering?.resolve();
    this.#entering = null;
  }

  /** Makes the name this browser's own, so that reloading the page is enough to be back. */
  async #claim() {
    // The same as before, if there was one: it may have arrived after all.
    const secret = this.#who.secret ?? randomHex(32);
    // By itself too: another tab may enter another name, and `who` is one.
    keep(secretKey(this.#who.name), secret);
    this.#remember({ ...this.#who, secret });
    await this.request('set_password', { password: secret });
  }

  #refused(error) {
    const { name, token, secret, tries = 0 } = this.#who;
    if (secret && FINAL.has(error.code) && tries < SECRET_TRIES) {
      // A token that is not good any more, or a secret that never arrived, or one that is just being
      // set: with it and without it in turn, as the server's answer may be another in a moment.
      this.#who = { name, secret, tries: tries + 1, plain: !token && !this.#who.plain };
    } else if (this.#entering) {
      this.#connection.stop();
      this.#entering.reject(error);
      this.#entering = null;
    } else if (FINAL.has(error.code)) {
      this.#end();
      this.#calls.signedOut(name);
    }
  }

  #remember(who) {
    this.#who = who;
    keep('who', who);
  }

  #begin(name) {
    this.store = new Store(name, this.#calls.change);
    this.outbox = new Outbox(name, this.#connection, {
      change: this.#calls.change,
      sent: ({ id, kind, name: to, content, replyTo }, { msg_id, ts }) => {
        const place = kind === 'g' ? { group_name: to } : { recipient: to };
        this.store.take({ msg_id, ts, sender: this.me, content, reply_to: replyTo, id, ...place });
      },
    });
    // What waits is shown where it belongs, also before the server has listed the conversations.
    for (const entry of this.outbox.entries) this.store.conversation(entry.kind, entry.name);
    this.transfers = new Transfers(this.#connection);
  }

  #end() {
    if (recall('who')?.name === this.#who?.name) keep('who', null);
    this.#connection.stop();
    this.transfers?.stop();
    this.store = this.outbox = this.transfers = this.#who = null;
  }

  /** Ends this browser's login, or all of them. */
  async leave({ everywhere = false } = {}) {
    try {
      await this.#connection.request({ type: 'logout', everywhere });
    } catch (error) {
      if (everywhere) throw error;
    }
    keep(secretKey(this.me), null);
    // Whoever sits here next is not to find what was written.
    for (const kind of ['draft', 'pending']) {
      for (const [key] of recallAll(`${kind}.${this.me}/`)) keep(key, null);
    }
    this.#end();
  }

  async setPassword(password, oldPassword) {
    const old = this.#who.secret ?? oldPassword;
    await this.request('set_password', { password, ...(old ? { old_password: old } : {}) });
    const { name, token } = this.#who;
    keep(secretKey(name), null);
    this.#remember({ name, token });
    if (token) return;
    // There is none before the second login, and a password is not kept: so this is the second.
    this.#who = { name, password };
    this.#connection.start(() => this.#greet());
  }

  request(type, fields = {}) {
    return this.#connection.request({ type, ...fields });
  }

  // What the user does.

  send(conversation, content, replyTo) {
    this.outbox.add({ kind: conversation.kind, name: conversation.name, content, replyTo });
  }

  async edit(conversation, message, content) {
    await this.request('edit_message', { msg_id: message.id, content });
    this.#changed(conversation, message, { content, edited: true });
  }

  async delete(conversation, message) {
    await this.request('delete_message', { msg_id: message.id });
    this.#changed(conversation, message, { deleted: true });
  }

  async react(conversation, message, emoji) {
    const mine = message.reactions.find((one) => one.users.includes(this.me))?.emoji;
    const next = mine === emoji ? '' : emoji;
    await this.request('react', { msg_id: message.id, emoji: next });
    conversation.react(message.id, this.me, next);
    this.#calls.change();
  }

  #changed(conversation, message, change) {
    conversation.change(message.id, change);
    this.#calls.change();
  }

  typing(conversation) {
    const now = Date.now();
    if (now - (this.#typedAt.get(conversation) ?? 0) < TYPING_PAUSE_MS) return;
    this.#typedAt.set(conversation, now);
    this.#connection.tell({ type: 'typing', ...conversation.place });
  }

  /** The user has seen the newest message. */
  read(conversation) {
    const id = conversation.last?.id ?? 0;
    if (this.#connection.state !== 'open' || !conversation.readUpTo(id)) return;
    this.#connection.tell({ type: 'read', ...conversation.place, msg_id: id });
    this.#calls.change();
  }

  /** Fetches the newest page, once for each connection. */
  async loadNewest(conversation) {
    if (conversation.current) return;
    await this.#history(conversation, {});
    conversation.current = true;
    if (conversation.kind === 'g') await this.loadMembers(conversation);
  }

  loadOlder(conversation, before) {
    return this.#history(conversation, { before });
  }

  loadNewer(conversation, after) {
    return this.#history(conversation, { after });
  }

  /** Asks for a page, once at a time. */
  #history(conversation, where) {
    const key = `${conversation.key} ${JSON.stringify(where)}`;
    if (!this.#loading.has(key)) {
      const asked = this.request('history', { ...conversation.place, ...where, limit: PAGE })
        .then((answer) => this.store?.takeHistory(answer, where))
        .finally(() => this.#loading.delete(key));
      this.#loading.set(key, asked);
    }
    return this.#loading.get(key);
  }

  /** The part of the conversation around a message. */
  async loadAround(conversation, id) {
    await Promise.all([
      this.loadOlder(conversation, id + 1),
      this.loadNewer(conversation, id),
    ]);
  }

  async loadMembers(conversation) {
    const answer = await this.request('list_group_members', conversation.place);
    conversation.members = answer.details;
    this.#calls.change();
  }

  async loadPeople() {
    const { details } = await this.request('list_users', { all: true });
    if (!this.store) return;
    for (const { name, online, last_seen: lastSeen } of details) this.store.people.set(name, { online, lastSeen });
    this.#calls.change();
  }

  #loadPeopleSoon() {
    clearTimeout(this.#peopleTimer);
    this.#peopleTimer = setTimeout(() => this.#quietly(this.loadPeople()), PEOPLE_PAUSE_MS);
  }

  async loadGroups() {
    const { details } = await this.request('list_groups');
    if (!this.store) return;
    this.store.keepGroups(details.map(({ name }) => name));
    for (const { name, role, private: closed, members } of details) {
      Object.assign(this.store.conversation('g', name), { role, private: closed, size: members });
    }
    this.#calls.change();
  }

  async #refresh() {
    for (const conversation of this.store.conversations.values()) conversation.current = false;
    this.outbox.flush();
    await Promise.all([this.#loadList(), this.loadPeople(), this.loadGroups()]);
  }

  async #loadList() {
    const { conversations } = await this.request('list_conversations');
    this.store?.takeList(conversations);
  }

  /** Somebody looks again: what another tab or device has read is not unread here. */
  lookAgain() {
    if (this.#connection.state === 'open') this.#quietly(this.#loadList());
  }

  // What the server says.

  #listen() {
    const on = (type, listener) => this.#connection.on(type, (frame) => this.store && listener(frame));
    on('open', () => {
      this.#quietly(this.#refresh());
      if (this.#toClaim) this.#quietly(this.#claim());
    });
    for (const type of ['private_message_received', 'group_message_received', 'file_received', 'group_file_received']) {
      on(type, (frame) => this.#arrived(frame));
    }
    on('message_changed', (frame) => this.store.takeChange(frame));
    on('receipt', (frame) => this.store.takeReceipt(frame));
    on('typing', (frame) => this.store.takeTyping(frame));
    on('presence', ({ user, status, last_seen: lastSeen }) => this.store.takePresence(user, status === 'online', lastSeen));
    on('synced', ({ cursor }) => {
      this.store.newest = Math.max(this.store.newest, cursor);
    });
    on('added_to_group', ({ group_name: name }) => {
      const group = this.store.conversation('g', name);
      Object.assign(group, { gone: null, listed: true, current: false });
      this.#quietly(this.loadGroups());
    });
    on('group_event', (frame) => {
      const group = this.store.takeGroupEvent(frame);
      if (!group) return;
      if (frame.event === 'renamed') this.outbox.rename(frame.group_name, frame.new_name);
      if (group.gone) return;
      group.listed = true;
      this.#quietly(this.loadGroups());
      if (group.members) this.#quietly(this.loadMembers(group));
    });
  }

  #arrived(frame) {
    const { conversation, message, fresh } = this.store.take(frame, { event: true });
    this.#received(message.id);
    // The first words with somebody: from now on their comings and goings are told, not from before.
    if (fresh && conversation.messages.length === 1) this.#loadPeopleSoon();
    if (message.sender === this.me) {
      if (message.requestId !== undefined) this.outbox.remove(message.requestId);
    } else if (fresh && !frame.backlog) {
      this.#calls.arrived(conversation, message);
    }
  }

  #received(id) {
    this.#receivedUpTo = Math.max(this.#receivedUpTo, id);
    if (this.#receivedTimer) return;
    this.#receivedTimer = setTimeout(() => {
      this.#receivedTimer = null;
      this.#connection.tell({ type: 'received', msg_id: this.#receivedUpTo });
    }, RECEIVED_PAUSE_MS);
  }

  /** A refusal here changes nothing: the next connection asks again. */
  async #quietly(work) {
    try {
      await work;
    } catch (error) {
      if (!error?.code) throw error;
    }
  }
}

/** Where the password is kept that this browser made up for a name. */
function secretKey(name) {
  return `secret.${name}`;
}
