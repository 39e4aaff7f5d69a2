// What the keys do.

import { openDialog } from './dialog.js';
import { h } from './dom.js';
import { t } from './text.js';

/** Opens the list of keys. */
export function showHelp() {
  openDialog({
    title: t.help,
    body: [h('dl', { class: 'keys' }, ...t.keys.map(([keys, what]) => h('div', {}, h('dt', {}, h('kbd', { text: keys })), h('dd', { text: what }))))],
  });
}
