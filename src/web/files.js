// Files as people see them: on their way out with a bar and a way to cancel, pictures in place, and
// everything else as something to download. Bytes are shown or saved only after transfers.js has
// found them to be what was announced; a picture is one by its first bytes, not by its name.

import { openDialog } from './dialog.js';
import { h, icon, iconButton, isolated, setText } from './dom.js';
import { bytes } from './format.js';
import { sentenceFor, t } from './text.js';

const PICTURE_NAME = /\.(png|jpe?g|gif|webp)$/i;
const PICTURE_BYTES_MAX = 10 * 1024 * 1024;

/** A downloaded file's address is good for so long: saving has begun by then. */
const SAVING_MS = 60_000;

export class Files {
  #chat;
  #uploads = [];
  #counter = 0;
  /** File id -> address of a picture, of the conversation that is open. */
  #addresses = new Map();
  #seen;
  #onSeen = new WeakMap();

  constructor(chat) {
    this.#chat = chat;
    this.#seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        this.#seen.unobserve(target);
        this.#onSeen.get(target)?.();
      }
    }, { rootMargin: '200px' });
  }

  /** Sends files to whoever is in the conversation. */
  send(conversation, files) {
    for (const file of files) {
      const name = file.name || 'arquivo';
      const { kind, name: to } = conversation;
      const place = kind === 'g' ? { group_name: to } : { recipient: to };
      const transfer = this.#chat.session.transfers.upload({ file, name, place });
      const upload = { key: this.#counter++, conversation, transfer, name };
      this.#uploads.push(upload);
      transfer.addEventListener('change', () => this.#uploadChanged(upload));
    }
    this.#chat.thread.wrote();
  }

  /** What is on its way to this conversation. */
  uploadsTo(conversation) {
    return this.#uploads.filter((upload) => upload.conversation === conversation);
  }

  /** A file that is on its way out. */
  uploadElement({ transfer, name, key }) {
    const dismiss = () => (transfer.over ? this.#dropUpload(key) : transfer.cancel());
    return card({ name, transfer, size: transfer.size, cancel: dismiss }).element;
  }

  /** A file of a message: a picture, or something to download. */
  element(file) {
    const isPicture = PICTURE_NAME.test(file.name) && file.size <= PICTURE_BYTES_MAX && file.size > 0;
    return isPicture ? this.#picture(file) : this.#download(file);
  }

  /** Gives back the memory of the pictures of a conversation that is not open any more. */
  release() {
    for (const address of this.#addresses.values()) URL.revokeObjectURL(address);
    this.#addresses.clear();
    this.#seen.disconnect();
  }

  async #uploadChanged(upload) {
    const { transfer, key, conversation } = upload;
    if (transfer.state === 'cancelled') this.#dropUpload(key);
    if (transfer.state !== 'done') return;
    try {
      // The message as everybody sees it; this session gets no event of its own.
      await this.#chat.session.loadNewer(conversation, transfer.result.msg_id - 1);
    } catch (error) {
      if (!error?.code) throw error;
      // The next login brings it.
      conversation.current = false;
    }
    this.#dropUpload(key);
  }

  #dropUpload(key) {
    this.#uploads = this.#uploads.filter((upload) => upload.key !== key);
    this.#chat.draw();
  }

  #fetch(file) {
    return this.#chat.session.transfers.download({
      file_id: file.id, size: file.size, sha256: file.sha256, name: file.name,
    });
  }

  #download(file) {
    const box = h('div', { class: 'file' });
    const idle = () => card({
      name: file.name, size: file.size,
      action: iconButton('download', t.download(file.name), () => run(), { class: 'filled' }),
    });
    const run = () => {
      const transfer = this.#fetch(file);
      const running = card({
        name: file.name, size: file.size, transfer,
        cancel: () => (transfer.over ? box.replaceChildren(idle().element) : transfer.cancel()),
      });
      box.replaceChildren(running.element);
      running.button.focus();
      transfer.addEventListener('change', () => {
        if (!transfer.over || transfer.state === 'failed') return;
        const back = idle();
        const hadFocus = box.contains(document.activeElement);
        box.replaceChildren(back.element);
        if (hadFocus) back.button.focus();
        if (transfer.state === 'done') save(transfer.result, file.name);
      });
    };
    box.append(idle().element);
    return box;
  }

  /** A picture, in a box whose size is known before the picture is. */
  #picture(file) {
    const box = h('div', { class: 'picture' }, h('p', { class: 'hint', text: t.picture(file.name) }));
    this.#onSeen.set(box, () => this.#showPicture(box, file));
    this.#seen.observe(box);
    return box;
  }

  async #showPicture(box, file) {
    try {
      let address = this.#addresses.get(file.id);
      if (!address) {
        const transfer = await this.#fetch(file).finished();
        const type = transfer.state === 'done' ? await pictureType(transfer.result) : null;
        // Not what its name says, or not to be had: then it is a file like any other.
        if (!type || !box.isConnected) return this.#noPicture(box, file);
        address = URL.createObjectURL(new Blob([transfer.result], { type }));
        this.#addresses.set(file.id, address);
      }
      const picture = h('img', { src: address, alt: t.picture(file.name) });
      await picture.decode();
      box.replaceChildren(h('button', {
        type: 'button', class: 'plain', 'aria-label': t.openPicture(file.name), on: { click: () => this.#open(address, file) },
      }, picture));
    } catch {
      // It says it is a picture and cannot be drawn.
      this.#noPicture(box, file);
    }
    return undefined;
  }

  /** In the same box, which its message keeps and shows again when it is drawn anew. */
  #noPicture(box, file) {
    box.className = '';
    box.replaceChildren(this.#download(file));
  }

  #open(address, file) {
    openDialog({
      title: file.name, wide: true,
      body: [
        h('img', { class: 'whole', src: address, alt: t.picture(file.name) }),
        h('p', { class: 'choices' }, h('a', { class: 'button primary', href: address, download: file.name, text: t.download(file.name) })),
      ],
    });
  }
}

/** A file as a line: its drawing, name, size, how far it is, and one button. */
function card({ name, size, transfer, action, cancel }) {
  const under = h('p', { class: 'under', text: bytes(size) });
  const bar = transfer ? h('progress', { max: Math.max(size, 1), value: 0, 'aria-label': t.file(name) }) : null;
  const button = action ?? iconButton('close', t.cancelFile(name), cancel);
  const element = h('div', { class: 'card' }, icon('file'),
    h('div', { class: 'words' }, isolated(name, { class: 'name' }), under, bar), button);
  const draw = () => {
    const { state, sent, error } = transfer;
    bar.value = size ? sent : 1;
    bar.hidden = transfer.over;
    element.dataset.state = state;
    const far = state === 'running' || state === 'hashing' ? ` · ${t.ofBytes(bytes(sent), bytes(size))}` : '';
    setText(under, state === 'failed' ? sentenceFor(error) : `${t.transfer[state]}${far}`);
    under.classList.toggle('error', state === 'failed');
  };
  if (transfer) {
    transfer.addEventListener('change', draw);
    draw();
  }
  return { element, button };
}

function save(blob, name) {
  // As bytes, so that a browser does not open what it could run.
  const address = URL.createObjectURL(new Blob([blob], { type: 'application/octet-stream' }));
  h('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), SAVING_MS);
}

/** What kind of picture the first bytes say it is, or null. */
async function pictureType(blob) {
  const head = new Uint8Array(await blob.slice(0, 12).arrayBuffer());
  const text = String.fromCharCode(...head);
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (/^GIF8[79]a/.test(text)) return 'image/gif';
  if (text.startsWith('RIFF') && text.slice(8) === 'WEBP') return 'image/webp';
  return null;
}
