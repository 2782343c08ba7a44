// Draws the pictures of the page that are in docs/: screenshot.mjs [DIRECTORY]
// All numbers are fixed, so that they are the same pictures each time. Needs what
// setup.sh gets; the fonts that the page asks for first, fonts-inter and
// fonts-jetbrains-mono; and pngquant, which makes the files small.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { launch, servePage, visit } from './browser.mjs';
import { ready } from './pages/reading.mjs';

/** Bytes that look random, and come from a name. */
const fixed = (name, digest = 'sha512') => createHash(digest).update(name).digest('hex');

const QUERY = new URLSearchParams({
  psk: fixed('key', 'sha256'),
  client: fixed('client'),
  server: fixed('server'),
  pair: fixed('pair', 'sha256'),
});

/** What is chosen, and what is shown: from the top of one to the end of another. */
const PICTURES = {
  'handshake.png': { choice: '[value="flip"]', from: '#ends', to: '#outcome .verdict' },
  'packets.png': {
    choice: '[value="flip"]',
    from: 'li.step .stage:text-is("Packets")',
    to: 'li.step[data-attack="flip"]',
  },
  'pairing.png': { choice: '[value="man"]', from: '#panes', to: '#panes' },
};

const WIDTH = 1200;
const MARGIN = 16;

const [directory = fileURLToPath(new URL('../../../docs', import.meta.url))] =
  process.argv.slice(2);
const [browser, server] = await Promise.all([launch(), servePage()]);
try {
  for (const [name, { choice, from, to }] of Object.entries(PICTURES)) {
    // High enough for nothing to be scrolled, and so nothing to stick anywhere.
    const { page, context } = await visit(browser, server.url, {
      viewport: { width: WIDTH, height: 4000 },
      reducedMotion: 'reduce',
    });
    await page.goto(`${server.url}?${QUERY}`);
    await ready(page);
    await page.check(choice);
    const top = await page.locator(from).boundingBox();
    const end = await page.locator(to).boundingBox();
    const [y, bottom] = [top.y - MARGIN, end.y + end.height + MARGIN];
    const clip = { x: 0, y, width: WIDTH, height: bottom - y };
    const picture = await page.screenshot({ clip });
    execFileSync(
      'pngquant',
      ['--strip', '--speed', '1', '--force', '--output', join(directory, name), '-'],
      {
        input: picture,
      },
    );
    await context.close();
  }
} finally {
  await browser.close();
  server.stop();
}
