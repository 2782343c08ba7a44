// A server spends nothing on strangers, and tells those with a key apart.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PipeError, createServer } from '../package.mjs';
import { network } from '../../../../target/hosts/node/node_modules/spiped-pipe/lib/strangers.js';
import { HOST, KEY, all, client, closed, failure, queue, raw, server, sha256, until, wire } from './lab.mjs';

test('a stranger gets a nonce, then an end, and nobody hears of it', async (t) => {
  const { port, server: running } = await server(t, {}, () => assert.fail('no pipe'));
  const refused = queue(running, 'refused');
  const stranger = await raw(t, port);
  const ended = once(stranger, 'end');
  // More than a hello: what is left unread would make a reset of the end.
  stranger.write(Buffer.alloc(5000));
  assert.equal((await refused()).code, 'wrong-key');
  await ended;
  assert.equal(stranger.received.length, 32);
  assert.equal(stranger.failure, undefined);
  stranger.end();
  await closed(stranger);
});

test('a stranger that ends or is silent is refused, and why is told', async (t) => {
  const { port, server: running } = await server(t, { handshakeTimeout: 200 });
  const refused = [];
  running.on('refused', (error, { remotePort }) => refused.push([error.code, remotePort]));
  const [silent, short] = [await raw(t, port), await raw(t, port)];
  const ports = [short.localPort, silent.localPort];
  short.end(Buffer.alloc(10));
  await Promise.all([once(silent, 'end'), once(short, 'end')]);
  assert.deepEqual(refused, [
    ['truncated-in-handshake', ports[0]],
    ['timed-out', ports[1]],
  ]);
});

/** Strangers from these addresses, one after the other, each of whom got a nonce. */
async function crowd(t, port, addresses) {
  const strangers = [];
  for (const from of addresses) {
    strangers.push(await raw(t, port, from));
    await until('it was sent a nonce', () => strangers.at(-1).received.length === 32);
  }
  return strangers;
}

/** A stranger from an address, as soon as it is let in. */
async function latecomer(t, port, from) {
  for (;;) {
    const stranger = await raw(t, port, from);
    const known = () => stranger.received.length > 0 || stranger.readableEnded || stranger.closed;
    await until('it was let in, or not', known);
    if (stranger.received.length > 0) {
      return stranger;
    }
    stranger.destroy();
  }
}

test('the quietest stranger makes room, after a second, and one with a key gets in', async (t) => {
  const { port, server: running, next } = await server(t, { maxStrangers: 2 });
  const refused = queue(running, 'refused');
  const start = performance.now();
  const strangers = await crowd(t, port, ['127.0.0.2', '127.0.0.3']);
  await sleep(500);
  // The older one gets on.
  strangers[0].write(Buffer.alloc(1));
  await latecomer(t, port, '127.0.0.4');
  assert.ok(performance.now() - start >= 999);
  assert.equal((await refused()).code, 'crowded-out');
  await until('the other saw an end', () => strangers[1].readableEnded);
  assert.equal(strangers[0].readableEnded, false);
  let isIn = false;
  while (!isIn) {
    const pipe = client(t, port, { keyExchange: 'x25519' });
    const settled = (event) => new Promise((resolve) => pipe.once(event, () => resolve(event)));
    isIn = (await Promise.race([settled('connect'), settled('error')])) === 'connect';
  }
  await next();
});

test('no network takes more than half of the room, silent or not', async (t) => {
  const { port, server: running } = await server(t, { maxStrangers: 4 });
  const refused = [];
  running.on('refused', (error) => refused.push(error.code));
  const strangers = await crowd(t, port, [HOST, HOST]);
  const third = await raw(t, port);
  await until('it was refused', () => third.readableEnded);
  assert.deepEqual(refused, ['crowded-out']);
  strangers.push(...(await crowd(t, port, ['127.0.0.2'])));
  strangers.push(await latecomer(t, port, HOST));
  await until('one saw an end', () => strangers[0].readableEnded);
  assert.deepEqual(strangers.map((one) => one.readableEnded), [true, false, false, false]);
});

test('who takes most of the room makes room, not who came first', async (t) => {
  const { port } = await server(t, { maxStrangers: 3 });
  const strangers = await crowd(t, port, ['127.0.0.2', HOST, HOST]);
  strangers.push(await latecomer(t, port, '127.0.0.3'));
  await until('one saw an end', () => strangers[1].readableEnded);
  assert.deepEqual(strangers.map((one) => one.readableEnded), [false, true, false, false]);
});

test('of IPv6, half an address is one network', () => {
  const same = [
    ['192.0.2.1', '192.0.2.2', false],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['fe80::1%lo', 'fe80::2%lo', true],
  ];
  for (const [one, other, expected] of same) {
    assert.equal(network(one) === network(other), expected, `${one} ${other}`);
  }
});

test('a hello in pieces is as good as a whole one', async (t) => {
  const { port, next } = await server(t);
  const pipe = client(t, port, { noDelay: true });
  // A server answers with its key share what came in pieces of one byte.
  const { port: slow } = await wire(t, port, (nearby, farther) => {
    nearby.on('data', (bytes) => bytes.forEach((byte) => farther.write(Buffer.of(byte))));
    farther.pipe(nearby);
  });
  const other = client(t, slow);
  pipe.write('one');
  other.write('two');
  const came = [await next(), await next()].map((far) => once(far, 'data'));
  assert.deepEqual((await Promise.all(came)).map(String).sort(), ['one', 'two']);
});

test('every key and every key exchange is told apart', async (t) => {
  const keys = [randomBytes(32), randomBytes(5), randomBytes(1000)];
  const { port, next } = await server(t, { key: undefined, keys });
  for (const keyExchange of ['modp2048', 'x25519']) {
    for (const [pskIndex, key] of keys.entries()) {
      const near = client(t, port, { key, keyExchange });
      const far = await next();
      assert.deepEqual([far.pskIndex, far.keyExchange], [pskIndex, keyExchange]);
      assert.equal(far.remotePort, near.localPort);
    }
  }
});

test('a key exchange or forward secrecy that is not accepted is refused by name', async (t) => {
  const cases = [
    [{ keyExchange: 'modp2048' }, { keyExchange: 'x25519' }, 'key-exchange-not-accepted'],
    [{ keyExchange: 'x25519' }, { keyExchange: 'modp2048' }, 'wrong-key'],
    [{ forwardSecrecy: 'require' }, { forwardSecrecy: 'omit' }, 'no-forward-secrecy'],
  ];
  for (const [ofServer, ofClient, code] of cases) {
    const { port, server: running } = await server(t, ofServer);
    const refused = queue(running, 'refused');
    const pipe = client(t, port, { ...ofClient, handshakeTimeout: 500 });
    const failed = failure(pipe);
    const error = await refused();
    assert.equal(error.code, code);
    assert.ok(error instanceof PipeError);
    await failed;
  }
});

test('every choice about forward secrecy that is accepted works', async (t) => {
  for (const ofServer of ['offer', 'omit']) {
    for (const ofClient of ['offer', 'omit']) {
      const { port } = await server(t, { forwardSecrecy: ofServer }, (pipe) => pipe.pipe(pipe));
      const pipe = client(t, port, { forwardSecrecy: ofClient });
      pipe.end('hello');
      assert.equal(String(await all(pipe)), 'hello');
    }
  }
});

test('many connect at once and get what is theirs', async (t) => {
  const { port } = await server(t, {}, (pipe) => pipe.pipe(pipe));
  await Promise.all(Array.from({ length: 100 }, async (_, i) => {
    const bytes = randomBytes(1000 * i);
    const pipe = client(t, port, { keyExchange: 'x25519', handshakeTimeout: 60_000 });
    pipe.end(bytes);
    assert.equal(sha256(await all(pipe)), sha256(bytes));
  }));
});

test('a closed server ends strangers, and waits for pipes', async (t) => {
  const { port, server: running, next } = await server(t);
  const near = client(t, port);
  const far = await next();
  const stranger = await raw(t, port);
  await until('it was sent a nonce', () => stranger.received.length === 32);
  let isClosed = false;
  running.close(() => (isClosed = true));
  await until('it saw an end', () => stranger.readableEnded);
  assert.equal(isClosed, false);
  near.end('still there');
  near.resume();
  assert.equal(String(await all(far)), 'still there');
  await until('the server closed', () => isClosed);
});

test('options that make no sense throw at once', () => {
  for (const options of [
    {},
    { key: KEY, keys: [KEY] },
    { keys: KEY },
    { keys: ['text'] },
    { psks: [KEY, KEY] },
    { key: KEY, keyExchange: 'none' },
    { key: KEY, maxStrangers: 0 },
  ]) {
    assert.throws(() => createServer(options), /TypeError|ComponentError/);
  }
  assert.equal(createServer({ key: KEY }).address(), null);
});
