// Base64 (RFC 4648, section 4) of bytes, for the pieces that files travel in. The platform's btoa and
// atob work on strings with one character per byte.

/** So many bytes become arguments of one call; a multiple of 3, so that no padding comes in between. */
const ARGUMENTS = 8190;

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function toBase64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += ARGUMENTS) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + ARGUMENTS)));
  }
  return text;
}

/**
 * @param {unknown} text
 * @returns {Uint8Array | null} null when it is no base64
 */
export function fromBase64(text) {
  if (typeof text !== 'string') return null;
  let plain;
  try {
    plain = atob(text);
  } catch {
    return null;
  }
  const bytes = new Uint8Array(plain.length);
  for (let at = 0; at < plain.length; at += 1) bytes[at] = plain.charCodeAt(at);
  return bytes;
}
