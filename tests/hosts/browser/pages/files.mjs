// What the page is made of, and where it may be put.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

import { ready, verdict } from './reading.mjs';
import { pageTest } from './shared.mjs';

/** For tests after which a page is not what it was. */
const ALONE = { alone: true };

const built = new URL('../../../../target/page/', import.meta.url);

pageTest('size, imports and digest are those of the file', {}, async (page) => {
  const file = readFileSync(new URL('spiped-portable.wasm', built));
  const kibibytes = Math.round(file.length / 1024);
  assert.equal(await page.textContent('#measured'), `${kibibytes} KiB, imports: none`);
  const facts = await page.locator('#facts dd').allTextContents();
  assert.equal(facts.at(-1), createHash('sha256').update(file).digest('hex'));
  assert.match(
    facts[2],
    /^spiped:pipe\/acceptor@.*, spiped:pipe\/pairing@.*, spiped:pipe\/session@/,
  );
  assert.match(facts[3], /asks for 6 functions/);
});

pageTest('an import would be seen', { ...ALONE, prepare: withAnImport }, async (page) => {
  assert.match(await page.textContent('#measured'), /KiB, imports: 1$/);
});

/** Puts an import section with one entry, of a function's type, before the rest. */
async function withAnImport(page) {
  const file = readFileSync(new URL('spiped-portable.wasm', built));
  // A type section with `func()`, then an import of it named `f`.
  const sections = Buffer.from('0705' + '0140000100' + '0a06' + '0100016601' + '00', 'hex');
  const body = Buffer.concat([file.subarray(0, 8), sections, file.subarray(8)]);
  await page.route('**/spiped-portable.wasm', (route) => route.fulfill({ body }));
}

pageTest(
  'the page runs below any path, and on a host without TLS',
  ALONE,
  async (page, { problems }) => {
    const host = 'http://files.invalid/some/where/';
    await page.route(`${host}**`, (route) => {
      const name = route.request().url().slice(host.length).split('?')[0] || 'index.html';
      return route.fulfill({ path: new URL(name, built).pathname });
    });
    await page.goto(host);
    await ready(page);
    assert.equal(await page.evaluate(() => isSecureContext), false);
    await page.click('#last');
    assert.equal((await verdict(page)).kind, 'good');
    const beyond = problems.splice(0).filter((problem) => !problem.startsWith(host));
    assert.deepEqual(beyond, []);
  },
);

pageTest(
  'the browser would refuse anything that is not the page’s own',
  ALONE,
  async (page, { problems }) => {
    const refused = await page.evaluate(async () => {
      const seen = [];
      const both = new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
          if (seen.push(effectiveDirective) === 2) resolve();
        });
      });
      const script = document.createElement('script');
      script.textContent = 'globalThis.injected = true';
      document.head.append(script);
      await fetch('http://127.0.0.1:9/').catch(() => {});
      await both;
      return { seen, injected: globalThis.injected };
    });
    assert.deepEqual(refused, { seen: ['script-src-elem', 'connect-src'], injected: undefined });
    // Chromium complains, and asks nobody.
    assert.ok(problems.splice(0).every((problem) => problem.includes('Content Security Policy')));
  },
);

pageTest(
  'a component that is missing or broken is said so',
  ALONE,
  async (page, { url, problems }) => {
    await page.route('**/spiped-portable.wasm', (route) => route.fulfill({ body: 'not wasm' }));
    await page.goto(url);
    await page.waitForFunction(() => document.documentElement.dataset.state === 'failed');
    assert.match(
      await page.textContent('#measured'),
      /could not start: this file is not a WebAssembly component/,
    );
    assert.deepEqual(problems.splice(0), ['Error: this file is not a WebAssembly component']);
  },
);

pageTest('no file of the page is left unused', {}, async (page) => {
  const loaded = await page.evaluate(() =>
    performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname.slice(1)),
  );
  const files = readdirSync(built, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ path, name }) => `${path}/${name}`.slice(built.pathname.length).replace(/^\//, ''));
  assert.deepEqual(files.sort(), [...new Set([...loaded, 'index.html', 'LICENSE'])].sort());
});
