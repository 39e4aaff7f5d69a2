// What the views make of a name: a round picture, a colour, an address, a form for finding it.

import { icon } from './dom.js';

/** The round picture: a letter for a person, a drawing for a group; with a dot for who is online. */
export function drawAvatar(element, { kind, name }, online = false) {
  element.className = `avatar colour-${colourOf(name)}${online ? ' online' : ''}`;
  element.replaceChildren(kind === 'g' ? icon('group') : ([...name][0] ?? '').toLocaleUpperCase());
}

/** One of eight colours, always the same for a name. */
export function colourOf(name) {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) >>> 0;
  return sum % 8;
}

/** For finding a name whatever its case and accents. */
export function plain(text) {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();
}

/** The address of a conversation. */
export function hashOf({ kind, name }) {
  return `#${kind}/${encodeURIComponent(name)}`;
}
