// Serves the page on a free port of the loopback address, and says where.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const types = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
};

const page = new URL('./', import.meta.url);
const gen = new URL('../../../target/hosts/node/', import.meta.url);

const server = createServer(async (request, response) => {
  try {
    const { pathname } = new URL(request.url, 'http://localhost'); // without any `..`
    const name = pathname === '/' ? 'index.html' : pathname.slice(1);
    const content = await readFile(new URL(name, name.startsWith('gen/') ? gen : page));
    response.writeHead(200, { 'content-type': types[extname(name)] ?? 'text/plain' });
    response.end(content);
  } catch {
    response.writeHead(404).end('Not found\n');
  }
});

server.listen(0, '127.0.0.1', () => {
  console.error(`http://127.0.0.1:${server.address().port}/`);
});
