// Runs pages that were bundled, in a browser: bundles.mjs FOLDER...
// The title of each has to become `passed`.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { launch, visit } from '../browser/browser.mjs';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** Serves a folder's files. */
async function serve(folder) {
  const server = createServer(async ({ url }, response) => {
    try {
      const { pathname } = new URL(url, 'http://localhost');
      const content = await readFile(join(folder, pathname.replace(/\/$/, '/index.html')));
      response.setHeader('content-type', TYPES[extname(pathname)] ?? 'text/html');
      response.end(content);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const browser = await launch();
try {
  for (const folder of process.argv.slice(2)) {
    const server = await serve(folder);
    const url = `http://127.0.0.1:${server.address().port}/`;
    const { context, page, problems } = await visit(browser, url);
    await page.goto(url);
    await page.waitForFunction(() => document.title === 'passed').catch((error) => {
      problems.push(error.message);
    });
    if (problems.length > 0) {
      throw new Error(`${folder}: ${problems.join('\n')}`);
    }
    console.log(`${folder}: passed`);
    await context.close();
    server.close();
  }
} finally {
  await browser.close();
}
