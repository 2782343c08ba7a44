// What all tests of the page share: the browser and the server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, servePage, visit } from '../browser.mjs';
import { ready } from './reading.mjs';

let browser;
let server;
/** Pages that one test leaves to the next, by their options: a new one takes long. */
const pages = new Map();

before(async () => {
  [browser, server] = await Promise.all([launch(), servePage()]);
});

after(async () => {
  server?.stop();
  await browser?.close();
});

/** Nothing moves by itself, so that tests say when. */
const STILL = { reducedMotion: 'reduce', viewport: { width: 1280, height: 800 } };

/**
 * A test of the page, which is ready when it begins, and has not complained or
 * asked anyone else for anything when it ends.
 *
 * @param {string} name
 * @param {object} options of the browser's context; `prepare`, which gets a new page
 *   before anything is loaded; and `alone` if no other test can use the page
 * @param {(page: object, about: { url: string, problems: string[] }) => Promise<void>} body
 *   which removes the problems that it expects
 */
export function pageTest(name, { prepare, alone, ...options }, body) {
  test(name, { timeout: 20_000 }, async () => {
    const key = alone ? name : `${prepare?.name} ${JSON.stringify(options)}`;
    if (!pages.has(key)) {
      const visited = await visit(browser, server.url, { ...STILL, ...options });
      await prepare?.(visited.page);
      pages.set(key, visited);
    }
    const { page, problems, context } = pages.get(key);
    await page.goto(server.url);
    await ready(page);
    await body(page, { url: server.url, problems });
    assert.deepEqual(problems.splice(0), []);
    if (alone) await context.close();
  });
}
