// Clients of Redis, PostgreSQL and HTTP take a pipe for their socket.
//
// KEYFILE and PORT: of a `spiped -d` in front of a Redis.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import test from 'node:test';
import { Pipe, httpAgent, ioredisConnector, listen } from '../package.mjs';
import { HOST, KEY, all, closed, server } from './lab.mjs';

const require = createRequire(new URL('../../../../target/hosts/node/', import.meta.url));
const { Redis } = require('ioredis');
const { createClient } = require('redis');
const pg = require('pg');

const key = readFileSync(process.env.KEYFILE);
const port = Number(process.env.PORT);

test('ioredis', async (t) => {
  const redis = new Redis(port, HOST, { Connector: ioredisConnector({ key }) });
  t.after(() => redis.disconnect());
  const events = [];
  for (const event of ['connect', 'ready', 'close', 'end']) {
    redis.on(event, () => events.push(event));
  }
  assert.equal(await redis.set('key', 'value'), 'OK');
  const sets = Array.from({ length: 10_000 }, (_, i) => redis.set(`key:${i}`, `value ${i}`));
  assert.ok((await Promise.all(sets)).every((answer) => answer === 'OK'));
  const pipeline = redis.pipeline();
  for (let i = 0; i < 1000; i++) {
    pipeline.get(`key:${i}`);
  }
  assert.deepEqual((await pipeline.exec()).at(-1), [null, 'value 999']);
  const large = 'large '.repeat(1_000_000);
  await redis.set('large', large);
  assert.equal(await redis.get('large'), large);
  const ended = once(redis, 'end');
  await redis.quit();
  await ended;
  assert.deepEqual(events, ['connect', 'ready', 'close', 'end']);
});

test('ioredis connects again, and is told of a wrong key', async (t) => {
  const redis = new Redis(port, HOST, { Connector: ioredisConnector({ key }) });
  t.after(() => redis.disconnect());
  await redis.ping();
  const again = once(redis, 'ready');
  redis.stream.destroy();
  await again;
  assert.equal(await redis.ping(), 'PONG');
  const stranger = new Redis(port, HOST, {
    Connector: ioredisConnector({ key: randomBytes(32) }),
    retryStrategy: null,
  });
  const [error] = await once(stranger, 'error');
  assert.equal(error.code, 'truncated-in-handshake');
});

test('node-redis', async (t) => {
  const { path, close } = await listen({ host: HOST, port, key });
  t.after(close);
  const redis = await createClient({ socket: { path } }).connect();
  assert.equal(await redis.set('key', 'value'), 'OK');
  const sets = Array.from({ length: 2000 }, (_, i) => redis.set(`key:${i}`, `value ${i}`));
  assert.ok((await Promise.all(sets)).every((answer) => answer === 'OK'));
  assert.equal(await redis.get('key:1999'), 'value 1999');
  await redis.close();
  await close();
  assert.equal(existsSync(path), false);
});

test('listen carries half-closes both ways, and ends what fails', async (t) => {
  const { port: echo } = await server(t, { allowHalfOpen: true }, (pipe) => pipe.pipe(pipe));
  const good = await listen({ host: HOST, port: echo, key: KEY });
  t.after(good.close);
  const plain = net.connect({ path: good.path, allowHalfOpen: true });
  const bytes = randomBytes(1_000_000);
  plain.end(bytes);
  assert.ok(bytes.equals(await all(plain)));
  const wrong = await listen({ host: HOST, port: echo, key: randomBytes(32) });
  t.after(wrong.close);
  const refused = net.connect(wrong.path).on('error', () => {}).resume();
  refused.write('never');
  await closed(refused);
});

test('pg', async (t) => {
  const { port: postgres } = await server(t, {}, (pipe) => pipe.on('data', answer(pipe)));
  const stream = () => new Pipe({ key: KEY });
  const client = new pg.Client({ host: HOST, port: postgres, user: 'someone', stream });
  await client.connect();
  assert.deepEqual((await client.query('SELECT 1')).rows, [{ one: '1' }]);
  await client.end();
  const pool = new pg.Pool({ host: HOST, port: postgres, user: 'someone', stream, max: 3 });
  const answers = await Promise.all([1, 2, 3, 4].map(() => pool.query('SELECT 1')));
  assert.ok(answers.every(({ rows }) => rows[0].one === '1'));
  await pool.end();
});

/** As much of PostgreSQL as a client needs to be content. */
function answer(pipe) {
  const message = (type, ...parts) => {
    const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
    const head = Buffer.alloc(5, type);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const ready = message('Z', 'I');
  let started = false;
  return (bytes) => {
    if (!started) {
      started = true;
      pipe.write(message('R', [0, 0, 0, 0]));
      pipe.write(ready);
    } else if (bytes[0] === 'Q'.charCodeAt()) {
      const column = [0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 255, 255, 255, 255, 255, 255, 0, 0];
      pipe.write(message('T', [0, 1], 'one\0', column));
      pipe.write(message('D', [0, 1, 0, 0, 0, 1], '1'));
      pipe.write(message('C', 'SELECT 1\0'));
      pipe.write(ready);
    } else {
      pipe.end();
    }
  };
}

test('http, on both ends', async (t) => {
  const web = http.createServer(async (request, response) => {
    response.end(`${request.url} ${(await all(request)).length}`);
  });
  const { port: site } = await server(t, {}, (pipe) => web.emit('connection', pipe));
  const agent = httpAgent({ host: HOST, port: site, key: KEY });
  t.after(() => agent.destroy());
  const post = async (path, length) => {
    const request = http.request(`http://site${path}`, { agent, method: 'POST' });
    request.end(Buffer.alloc(length));
    const [response] = await once(request, 'response');
    return String(await all(response));
  };
  assert.equal(await post('/first', 0), '/first 0');
  assert.equal(await post('/second', 300_000), '/second 300000');
  assert.equal(agent.totalSocketCount, 1, 'it is kept alive');
  const answers = await Promise.all([1, 2, 3].map((i) => post(`/${i}`, i)));
  assert.deepEqual(answers, ['/1 1', '/2 2', '/3 3']);
});
