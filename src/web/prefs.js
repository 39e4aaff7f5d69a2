// What this browser keeps between visits: who was here and with what token, language, theme,
// drafts, and messages not yet acknowledged. All of it in localStorage under `papo.`; a browser
// that forbids that keeps it as long as the page is open.

const PREFIX = 'papo.';
const memory = new Map();

/** @returns {any} the value kept under this key, or null */
export function recall(key) {
  try {
    const text = localStorage.getItem(PREFIX + key);
    return text === null ? (memory.get(key) ?? null) : JSON.parse(text);
  } catch {
    return memory.get(key) ?? null;
  }
}

/** Keeps a value; null or undefined forgets it. */
export function keep(key, value) {
  const gone = value === null || value === undefined;
  try {
    if (gone) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, JSON.stringify(value));
    memory.delete(key);
  } catch {
    if (gone) memory.delete(key);
    else memory.set(key, value);
  }
}

/** Everything kept under keys that begin so, as [key, value]. */
export function recallAll(start) {
  const keys = new Set([...memory.keys()]);
  try {
    for (let i = 0; i < localStorage.length; i += 1) {
      const key = localStorage.key(i);
      if (key.startsWith(PREFIX)) keys.add(key.slice(PREFIX.length));
    }
  } catch {
    // Forbidden: what is in memory is all there is.
  }
  return [...keys].filter((key) => key.startsWith(start)).map((key) => [key, recall(key)]);
}

/** Where the draft of a conversation is kept, as {text, replyTo}. */
export function draftKey(me, conversation) {
  return `draft.${me}/${conversation.key}`;
}
