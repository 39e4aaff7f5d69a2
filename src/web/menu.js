// The menu of a message: a popover next to its button, for the mouse, a finger or the arrow keys.

import { h } from './dom.js';

const GAP_PX = 6;

/**
 * Opens a menu.
 * @param {Element} anchor what it stands next to
 * @param {{label?: string, run?: () => void, quick?: {text: string, label: string, run: () => void}[]}[]} choices
 * @param {HTMLElement} home who gets the focus afterwards
 */
export function openMenu(anchor, choices, home) {
  const menu = h('div', { class: 'menu', role: 'menu', popover: 'auto', 'aria-label': anchor.getAttribute('aria-label') });
  const item = ({ label, text, run }) => h('button', {
    type: 'button', role: 'menuitem', tabindex: -1, ...(text ? { 'aria-label': label, title: label } : {}),
    on: {
      click: () => {
        menu.hidePopover();
        run();
      },
    },
  }, text ?? label);
  for (const choice of choices) {
    menu.append(choice.quick ? h('div', { class: 'quick', role: 'none' }, ...choice.quick.map(item)) : item(choice));
  }
  menu.addEventListener('keydown', (event) => move(menu, event));
  menu.addEventListener('toggle', ({ newState }) => {
    if (newState !== 'closed') return;
    const hadFocus = menu.contains(document.activeElement) || document.activeElement === document.body;
    menu.remove();
    if (hadFocus) home.focus({ preventScroll: true });
  });
  document.querySelector('main').append(menu);
  menu.showPopover();
  place(menu, anchor.getBoundingClientRect());
  menu.querySelector('[role=menuitem]')?.focus();
}

/** Below the anchor, or above it where there is no room; never out of the window. */
function place(menu, anchor) {
  const { width, height } = menu.getBoundingClientRect();
  const below = anchor.bottom + GAP_PX;
  const top = below + height > innerHeight ? anchor.top - GAP_PX - height : below;
  const left = Math.min(anchor.right - width / 2, innerWidth - width - GAP_PX);
  menu.style.top = `${Math.max(GAP_PX, Math.min(top, innerHeight - height - GAP_PX))}px`;
  menu.style.left = `${Math.max(GAP_PX, left)}px`;
}

function move(menu, event) {
  const items = [...menu.querySelectorAll('[role=menuitem]')];
  const at = items.indexOf(document.activeElement);
  const quick = items.filter((item) => item.parentElement !== menu).length;
  const inQuick = at < quick;
  const next = {
    ArrowRight: items[at + 1],
    ArrowLeft: items[at - 1],
    ArrowDown: inQuick ? items[quick] : (items[at + 1] ?? items[0]),
    ArrowUp: items[at - 1] ?? items.at(-1),
    Home: items[0],
    End: items.at(-1),
  }[event.key];
  if (event.key === 'Tab') menu.hidePopover();
  if (event.key === 'Escape') menu.hidePopover();
  else if (next) next.focus();
  else return;
  // Neither the message nor the conversation is to take the same key for its own.
  event.preventDefault();
  event.stopPropagation();
}
