// The little that the views need to make and update elements. Text is set as text, always: nothing
// here, and nothing else on the page, turns a string into markup.

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Makes an element. `props`: `class`, `on` {event: listener}, `data`, `text`; everything else is an
 * attribute (true: empty; false, null, undefined: absent). Children: nodes, strings, null.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'class') element.className = value;
    else if (name === 'text') element.textContent = value;
    else if (name === 'on') for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    else if (name === 'data') Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** One of the drawings in index.html. It says nothing to a screen reader. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A button that shows only a drawing; its name is said and shown as a tooltip. */
export function iconButton(name, label, click, props = {}) {
  const { class: extra = '', ...rest } = props;
  return h('button', {
    type: 'button', class: `icon-button ${extra}`, 'aria-label': label, title: label, on: { click }, ...rest,
  }, icon(name));
}

/** Words for screen readers alone. */
export function spoken(text) {
  return h('span', { class: 'spoken', text });
}

/** A name in its own writing direction, whatever stands around it. */
export function isolated(text, props = {}) {
  return h('bdi', { ...props, text });
}

const shown = new WeakMap();

/**
 * Makes the children of `parent` those of `items`, in order, keeping each element that has the same
 * key as before. `update` is called for all of them and must do little where nothing changed.
 */
export function patch(parent, items, { key, make, update }) {
  const before = shown.get(parent) ?? new Map();
  const after = new Map();
  for (const item of items) {
    const k = key(item);
    after.set(k, before.get(k) ?? make(item));
  }
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  for (const [k, element] of before) if (!after.has(k)) element.remove();
  let at = parent.firstChild;
  for (const item of items) {
    const element = after.get(key(item));
    if (element === at) at = at.nextSibling;
    else parent.insertBefore(element, at);
    update(element, item);
  }
  shown.set(parent, after);
  // Moving an element takes the focus from it.
  if (focused && focused !== document.activeElement && parent.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

/** Sets what differs; writing the same text again would make screen readers repeat it. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Calls `draw` once for any number of calls, before the next picture. A hidden page gets no
 * pictures, but its title is still to be right, so there a timer stands in.
 */
export function oncePerFrame(draw) {
  let asked = false;
  const run = () => {
    if (!asked) return;
    asked = false;
    draw();
  };
  return () => {
    if (asked) return;
    asked = true;
    if (!document.hidden) requestAnimationFrame(run);
    setTimeout(run, 200);
  };
}

/** Whether somebody has the page before them. */
export function looking() {
  return document.visibilityState === 'visible' && document.hasFocus();
}
