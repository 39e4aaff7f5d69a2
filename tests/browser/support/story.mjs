// Stories in a real browser.
//
//     node --test tests/browser/chat.test.mjs                           one file (after cargo build)
//     node --test --test-name-pattern=typing tests/browser/*.test.mjs   stories with "typing" in their names
//     HEADED=1 node --test tests/browser/chat.test.mjs                  to look on
//     CHROMIUM=/opt/chrome/chrome node --test …                         another browser of the family
//
// A story gets a stage: a server of its own, and as many browsers, terminals and peers as it opens. All
// of them are ended with it. It fails on any error in a page's console, any uncaught error, and anything
// that the content security policy had to stop; then a picture and the console of each page are left in
// target/browser-failures/.

import { after, test } from 'node:test';

import { closeBrowser } from './chromium.mjs';
import { Server } from './processes.mjs';
import { Stage } from './stage.mjs';

after(closeBrowser);

/**
 * @param {string} name
 * @param {{server?: string[], outages?: boolean, timeoutMs?: number}} options
 *     `server`: more arguments for it; `outages`: the server goes away on purpose
 * @param {(stage: Stage) => Promise<void>} play
 */
export function story(name, options, play) {
  const { server = [], outages = false, timeoutMs = 60_000 } = options;
  test(name, { timeout: timeoutMs }, async () => {
    const stage = new Stage(await Server.start(server));
    try {
      await play(stage);
      stage.nothingWentWrong(outages);
    } catch (error) {
      await stage.keepPictures(name);
      throw error;
    } finally {
      await stage.end();
    }
  });
}
