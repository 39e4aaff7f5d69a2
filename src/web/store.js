// What is known of the chat: people, conversations, their messages, and who has read what. No DOM
// and no network: frames from the server go in, the view reads what it shows. `onChange` is called
// after each change; whoever draws does so once per picture.
//
// A conversation's messages are sorted by `id` (the server's msg_id) and may have holes: `joined`
// says whether two neighbours have nothing between them. Every message names the one before it
// (`prev`), which is how holes are seen.

const TYPING_MS = 6_000;

/** System lines kept for each conversation. */
const NOTES_MAX = 50;

export class Store {
  /** @type {Map<string, Conversation>} */
  conversations = new Map();
  /** Name -> {online, lastSeen}. */
  people = new Map();
  /** The newest number that came as an event: where the next login goes on. */
  newest = 0;
  /** Whether the server has listed the conversations: those that come later begin with nothing unread. */
  #listed = false;

  /**
   * @param {string} me the user's name, as the server writes it
   * @param {() => void} onChange
   */
  constructor(me, onChange) {
    this.me = me;
    this.onChange = onChange;
  }

  /** The conversation with this person ('p') or group ('g'), made if it is new. */
  conversation(kind, name) {
    const key = `${kind}:${name}`;
    let found = this.conversations.get(key);
    if (!found) {
      found = new Conversation(kind, name);
      found.listed = this.#listed;
      this.conversations.set(key, found);
    }
    return found;
  }

  /** The conversation that a frame belongs to. */
  conversationOf(frame) {
    if (frame.group_name !== undefined) return this.conversation('g', frame.group_name);
    if (frame.with !== undefined) return this.conversation('p', frame.with);
    return this.conversation('p', frame.sender === this.me ? frame.recipient : frame.sender);
  }

  /** The same, if there is one: what is said about others makes none. */
  #known(frame) {
    const { kind, name } = frame.group_name !== undefined
      ? { kind: 'g', name: frame.group_name } : { kind: 'p', name: frame.with ?? frame.user };
    return this.conversations.get(`${kind}:${name}`);
  }

  /** Newest first; conversations without a message by name, at the end. */
  sorted() {
    return [...this.conversations.values()].sort(
      (a, b) => (b.last?.id ?? b.born) - (a.last?.id ?? a.born) || a.name.localeCompare(b.name),
    );
  }

  get unread() {
    let sum = 0;
    for (const { unread } of this.conversations.values()) sum += unread;
    return sum;
  }

  isOnline(name) {
    return this.people.get(name)?.online ?? false;
  }

  /**
   * Takes a message or file as an event.
   * @returns {{conversation: Conversation, message: object, fresh: boolean}} fresh: not known before
   */
  take(frame, { event = false } = {}) {
    const conversation = this.conversationOf(frame);
    const known = conversation.find(frame.msg_id);
    const message = conversation.put(read(frame));
    if (event) {
      this.newest = Math.max(this.newest, frame.msg_id);
      conversation.typing.delete(frame.sender);
      if (frame.sender !== this.me && !known && conversation.listed && message.id > conversation.counted) {
        conversation.counted = message.id;
        conversation.unread += 1;
      }
    }
    this.onChange();
    return { conversation, message, fresh: !known };
  }

  /** The answer to `list_conversations`: the server's word on what is unread. */
  takeList(list) {
    const listed = new Set();
    this.#listed = true;
    for (const entry of list) {
      const conversation = this.conversationOf(entry);
      listed.add(conversation);
      conversation.listed = true;
      conversation.gone = null;
      // What was read here after the server had counted is not unread again.
      if (entry.read >= conversation.read) conversation.unread = entry.unread;
      conversation.read = Math.max(conversation.read, entry.read);
      if (entry.last) conversation.put(read(entry.last));
      conversation.counted = Math.max(conversation.counted, entry.last?.msg_id ?? 0);
    }
    for (const [key, conversation] of this.conversations) {
      if (!listed.has(conversation) && conversation.gone) this.conversations.delete(key);
      else conversation.listed = true;
    }
    this.onChange();
  }

  /** A page of `history`, asked for with these fields. */
  takeHistory(answer, { before, after }) {
    const conversation = this.conversationOf(answer);
    const messages = answer.messages.map((frame) => conversation.put(read(frame)));
    conversation.join(messages, { before, after, more: answer.more });
    conversation.floor.delivered = Math.max(conversation.floor.delivered, answer.delivered ?? 0);
    conversation.floor.read = Math.max(conversation.floor.read, answer.read ?? 0);
    this.onChange();
    return conversation;
  }

  /** These are the user's groups: the others were left, on another device or while this one was away. */
  keepGroups(names) {
    const mine = new Set(names);
    for (const group of this.conversations.values()) {
      if (group.kind === 'g' && !mine.has(group.name)) group.gone ??= 'removed';
    }
  }

  takeChange(frame) {
    this.#known(frame)?.change(frame.msg_id, frame);
    this.onChange();
  }

  takeReceipt(frame) {
    const conversation = this.#known(frame);
    if (!conversation) return;
    if (frame.by === this.me) {
      if (frame.kind === 'read') conversation.readUpTo(frame.msg_id);
    } else {
      const receipts = conversation.receipts.get(frame.by) ?? { delivered: 0, read: 0 };
      receipts.delivered = Math.max(receipts.delivered, frame.msg_id);
      if (frame.kind === 'read') receipts.read = Math.max(receipts.read, frame.msg_id);
      conversation.receipts.set(frame.by, receipts);
    }
    this.onChange();
  }

  takeTyping(frame) {
    const conversation = this.#known(frame);
    if (!conversation) return;
    clearTimeout(conversation.typing.get(frame.user));
    conversation.typing.set(frame.user, setTimeout(() => {
      conversation.typing.delete(frame.user);
      this.onChange();
    }, TYPING_MS));
    this.onChange();
  }

  takePresence(name, online, lastSeen) {
    this.people.set(name, { online, lastSeen });
    this.onChange();
  }

  /**
   * Something happened in a group, shown as a line of its own.
   * @returns {Conversation | null} null when the user is not in it and has not come in
   */
  takeGroupEvent(frame) {
    const { event, user } = frame;
    const comesIn = user === this.me && (event === 'created' || event === 'joined' || event === 'added');
    if (!comesIn && !this.#known(frame)) return null;
    let conversation = this.conversation('g', frame.group_name);
    if (event === 'renamed') conversation = this.#rename(conversation, frame.new_name);
    conversation.note(frame);
    if (event === 'left' || event === 'removed') conversation.typing.delete(user);
    if (event === 'deleted') conversation.gone = 'deleted';
    if (user === this.me && (event === 'left' || event === 'removed')) conversation.gone = event;
    if (comesIn) conversation.gone = null;
    this.onChange();
    return conversation;
  }

  #rename(conversation, name) {
    this.conversations.delete(conversation.key);
    conversation.name = name;
    this.conversations.set(conversation.key, conversation);
    return conversation;
  }
}

/** One conversation, with a person or in a group. */
export class Conversation {
  /** Sorted by id. */
  messages = [];
  unread = 0;
  /** The user has read up to here. */
  read = 0;
  /** Up to here the unread ones are counted. */
  counted = 0;
  /** Whether the server has said how many are unread. */
  listed = false;
  /** Person -> {delivered, read}, from receipts. */
  receipts = new Map();
  /** Up to here everybody has it, and has read it, as `history` says. */
  floor = { delivered: 0, read: 0 };
  /** Who is writing -> the timer that forgets it. */
  typing = new Map();
  notes = [];
  /** Of a group, once asked: [{name, role, online}]. */
  members = null;
  /** 'left', 'removed' or 'deleted': nothing can be sent here. */
  gone = null;
  /** Where it stands in the list while nothing was said. */
  born = 0;
  /** Whether the newest page was fetched over this connection. */
  current = false;

  constructor(kind, name) {
    this.kind = kind;
    this.name = name;
  }

  get key() {
    return `${this.kind}:${this.name}`;
  }

  /** How requests name it. */
  get place() {
    return this.kind === 'g' ? { group_name: this.name } : { with: this.name };
  }

  get last() {
    return this.messages.at(-1);
  }

  /** Where a message with this id is, or would be. */
  indexOf(id) {
    let low = 0;
    let high = this.messages.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.messages[middle].id < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  find(id) {
    const message = this.messages[this.indexOf(id)];
    return message?.id === id ? message : undefined;
  }

  /** Puts a message in its place, or brings the known one up to date. */
  put(message) {
    const index = this.indexOf(message.id);
    const known = this.messages[index];
    if (known?.id !== message.id) {
      this.messages.splice(index, 0, message);
      return message;
    }
    const { prev = known.prev } = message;
    const version = known.version + (differs(known, message) ? 1 : 0);
    return Object.assign(known, message, { prev: known.prev ?? prev, version });
  }

  change(id, { content, edited, deleted, reactions }) {
    const message = this.find(id);
    if (!message) return;
    if (content !== undefined) message.text = content;
    if (edited) message.edited = true;
    if (deleted) Object.assign(message, { deleted: true, text: '', file: null, reactions: [] });
    if (reactions) message.reactions = reactions;
    message.version += 1;
  }

  /** The user's reaction, before or without an event about it. */
  react(id, me, emoji) {
    const message = this.find(id);
    if (!message) return;
    const reactions = message.reactions
      .map((one) => ({ ...one, users: one.users.filter((user) => user !== me) }))
      .filter((one) => one.users.length > 0);
    const same = reactions.find((one) => one.emoji === emoji);
    if (same) same.users.push(me);
    else if (emoji) reactions.push({ emoji, users: [me] });
    message.reactions = reactions;
    message.version += 1;
  }

  /** Whether nothing lies between the message at this index and the one before. */
  joined(index) {
    const before = this.messages[index - 1];
    const { prev } = this.messages[index];
    return before !== undefined && (prev === undefined || prev <= before.id);
  }

  /** Whether the message at this index is the first that the user may see. */
  isFirst(index) {
    return index === 0 && this.messages[0]?.prev === 0;
  }

  /** A page of history closes the holes that it spans, whatever `prev` says. */
  join(page, { before, after, more }) {
    for (let i = 1; i < page.length; i += 1) page[i].prev = page[i - 1].id;
    if (after !== undefined) {
      if (page.length > 0) page[0].prev = after;
      const next = more ? undefined : this.messages[this.indexOf((page.at(-1)?.id ?? after) + 1)];
      if (next) next.prev = page.at(-1)?.id ?? after;
      return;
    }
    const next = before === undefined ? undefined : this.find(before);
    if (next) next.prev = page.at(-1)?.id ?? 0;
    if (!more && page.length > 0) page[0].prev = 0;
  }

  /** What the user has read is not unread any more. */
  readUpTo(id) {
    if (id <= this.read) return false;
    this.read = id;
    if (id >= this.counted) this.unread = 0;
    return true;
  }

  /** 'sent', 'delivered' or 'read', by all others. */
  stateOf(message, me) {
    if (message.id <= this.reachedBy('read', me)) return 'read';
    return message.id <= this.reachedBy('delivered', me) ? 'delivered' : 'sent';
  }

  /** Up to which number all others have it. What is not known counts as not there. */
  reachedBy(what, me) {
    if (this.kind === 'p') {
      const receipts = this.receipts.get(this.name);
      return Math.max(this.floor[what], receipts?.[what] ?? 0);
    }
    const others = (this.members ?? []).filter(({ name }) => name !== me);
    if (others.length === 0) return this.floor[what];
    const least = Math.min(...others.map(({ name }) => this.receipts.get(name)?.[what] ?? 0));
    return Math.max(this.floor[what], least);
  }

  note({ event, user, by, ts, new_name: newName }) {
    this.notes.push({ event, user, by, ts, newName, after: this.last?.id ?? 0, key: `${ts}.${this.notes.length}.${event}.${user}` });
    if (this.notes.length > NOTES_MAX) this.notes.shift();
    if (!this.last) this.born = Math.max(this.born, 1);
  }
}

function differs(a, b) {
  return a.text !== b.text || a.edited !== b.edited || a.deleted !== b.deleted
    || JSON.stringify(a.reactions) !== JSON.stringify(b.reactions);
}

/** A message as the view needs it, from an event of the protocol. */
function read(frame) {
  const message = {
    id: frame.msg_id,
    sender: frame.sender,
    ts: frame.ts,
    text: frame.content ?? '',
    file: null,
    edited: Boolean(frame.edited),
    deleted: Boolean(frame.deleted),
    reactions: frame.reactions ?? [],
    version: 0,
  };
  if (frame.prev !== undefined) message.prev = frame.prev;
  if (frame.reply_to) message.replyTo = frame.reply_to;
  if (frame.id !== undefined) message.requestId = frame.id;
  if (frame.filename !== undefined && !message.deleted) {
    const { file_id, filename, size, sha256 } = frame;
    message.file = { id: file_id, name: filename, size, sha256 };
  }
  return message;
}
