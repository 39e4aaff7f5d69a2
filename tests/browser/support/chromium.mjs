// The browser: Chromium without its window, or with it if HEADED is set.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

import { chromium } from 'playwright-core';

let launching = null;

/** The browser of this process. */
export function browser() {
  launching ??= chromium.launch({
    executablePath: executable(),
    headless: !process.env.HEADED,
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-dev-shm-usage',
    ],
  });
  return launching;
}

/** Closes it, if it was needed. */
export async function closeBrowser() {
  if (launching) await (await launching).close();
}

function executable() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  for (const candidate of [process.env.CHROMIUM, ...candidates]) {
    if (candidate && isExecutable(candidate)) return candidate;
  }
  throw new Error('no Chromium: install it (Debian: apt-get install chromium), or say CHROMIUM=path');
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
