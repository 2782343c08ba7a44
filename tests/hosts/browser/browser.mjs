// A browser that talks to nobody but the page under test.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

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

/** Starts a program that serves files, and waits for the address it prints. */
export async function serve(...command) {
  const server = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = await once(createInterface(server.stdout), 'line');
  return { url, stop: () => server.kill() };
}

/** Serves `host/page/`, as its readers do. */
export const servePage = () =>
  serve(new URL('../../../host/page/serve.mjs', import.meta.url).pathname);

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

/**
 * Opens an address and waits until the page there says how it went, in its title.
 *
 * @param {string} url of a page whose title becomes `passed` or `failed`
 * @throws {Error} with all the page's complaints, unless it has passed
 */
export async function runInBrowser(url) {
  const browser = await launch();
  try {
    const { page, problems } = await visit(browser, url);
    await page.goto(url);
    await page.waitForFunction(() => ['passed', 'failed'].includes(document.title));
    if ((await page.title()) !== 'passed' || problems.length > 0) {
      throw new Error([await page.innerText('body'), ...problems].join('\n'));
    }
  } finally {
    await browser.close();
  }
}
