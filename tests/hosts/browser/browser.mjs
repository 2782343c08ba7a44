// A browser that talks to nobody but the page under test.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { chromium } from '../../../target/hosts/browser/node_modules/playwright-core/index.mjs';

/** The longest that anything may take, in milliseconds. */
const LIMIT = 10_000;

/** Starts Debian's Chromium, without windows and with a profile of its own. */
export function launch() {
  return chromium.launch({
    executablePath: '/usr/bin/chromium-headless-shell',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Serves `host/page/` as its readers do, and waits for the address. */
export async function servePage() {
  const program = fileURLToPath(new URL('../../../host/page/serve.mjs', import.meta.url));
  const server = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = await once(createInterface(server.stdout), 'line');
  return { url, stop: () => server.kill() };
}

/**
 * A page in a context of its own.
 *
 * @param {object} browser of `launch`
 * @param {object} [options] of Playwright's contexts
 * @returns the page, and `problems`: what it complains about, and whom else it asks
 */
export async function visit(browser, url, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT);
  const problems = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== 'data:' && origin !== new URL(url).origin) problems.push(request.url());
  });
  page.on('requestfailed', (request) => problems.push(`failed: ${request.url()}`));
  return { context, page, problems };
}
