// Serves the page on the loopback address: serve.mjs [PORT]
// PORT is a free one if it is not given. Any other server of files will do as well.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
};

const page = new URL('../../target/page/', import.meta.url);

const server = createServer(async (request, response) => {
  try {
    const { pathname } = new URL(request.url, 'http://localhost'); // without any `..`
    const file = new URL(`.${pathname.endsWith('/') ? `${pathname}index.html` : pathname}`, page);
    if (!file.href.startsWith(page.href)) throw new Error('not below the page');
    const content = await readFile(file);
    response.writeHead(200, {
      'content-type': TYPES[extname(file.pathname)] ?? 'text/plain; charset=utf-8',
    });
    response.end(content);
  } catch {
    response.writeHead(404).end('Not found\n');
  }
});

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
