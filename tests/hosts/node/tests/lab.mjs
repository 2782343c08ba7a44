// What the tests have in common.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createServer } from '../package.mjs';

export const KEY = randomBytes(32);
export const HOST = '127.0.0.1';

/**
 * A server with the key, listening, for as long as the test `t` runs.
 *
 * @returns its port, the server, and `next`, which resolves to the next pipe
 */
export async function server(t, options, onConnection) {
  const running = createServer({ key: KEY, ...options }, onConnection);
  const pipes = queue(running, 'connection');
  running.on('connection', (pipe) => finally_(t, pipe));
  running.listen(0, HOST);
  await once(running, 'listening');
  t.after(() => running.close());
  return { server: running, port: running.address().port, next: pipes };
}

/** A client's pipe to a port, for as long as the test `t` runs. */
export function client(t, port, options) {
  const pipe = connect({ host: HOST, port, key: KEY, ...options });
  finally_(t, pipe);
  return pipe;
}

/** In the end, nobody cares how a pipe fails. */
function finally_(t, pipe) {
  t.after(() => pipe.on('error', () => {}).destroy());
}

/** Both ends of an established connection, with the socket pair of a `wire` between. */
export async function ends(t, { onWire, both, ...options } = {}) {
  const { port, next, server: running } = await server(t, { ...both, ...options.server });
  const wired = onWire ? await wire(t, port, onWire) : { port };
  const near = client(t, wired.port, { ...both, ...options.client });
  const far = await next();
  if (near.connecting) {
    await once(near, 'connect');
  }
  return { near, far, wire: wired, server: running };
}

/**
 * A wire to a port which an attacker holds: `onWire(toServer, toClient)` gets the
 * accepted socket and the one to the server, and moves the bytes.
 */
export async function wire(t, port, onWire) {
  const relay = net.createServer({ allowHalfOpen: true }, (nearby) => {
    const farther = net.connect({ port, host: HOST, allowHalfOpen: true });
    for (const [one, other] of [[nearby, farther], [farther, nearby]]) {
      one.on('error', () => other.resetAndDestroy());
      t.after(() => one.destroy());
    }
    onWire(nearby, farther);
  });
  relay.listen(0, HOST);
  await once(relay, 'listening');
  t.after(() => relay.close());
  return { port: relay.address().port };
}

/** A raw socket to a port, from an address. What it receives is in `received`. */
export async function raw(t, port, localAddress) {
  const socket = net.connect({ port, host: HOST, localAddress, allowHalfOpen: true });
  socket.received = Buffer.alloc(0);
  socket.on('data', (bytes) => (socket.received = Buffer.concat([socket.received, bytes])));
  socket.on('error', (error) => (socket.failure = error));
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** A function that resolves to the next value of an event, seen or to come. */
export function queue(emitter, event) {
  const values = [];
  const waiting = [];
  emitter.on(event, (value) => (waiting.shift() ?? ((one) => values.push(one)))(value));
  return () => {
    return values.length > 0
      ? Promise.resolve(values.shift())
      : within(new Promise((resolve) => waiting.push(resolve)), `the event ${event}`);
  };
}

/** All that a stream has until it ends. Its error has what came before as `received`. */
export async function all(stream) {
  const chunks = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  // Not `for await`, which destroys a stream whose other direction is open.
  try {
    await within(once(stream, 'end'), 'the end');
  } catch (error) {
    throw Object.assign(error, { received: Buffer.concat(chunks) });
  }
  return Buffer.concat(chunks);
}

/** The next bytes, this many. */
export async function read(stream, length) {
  let bytes;
  await until(`${length} bytes came`, () => {
    bytes = stream.read(length);
    return bytes !== null;
  });
  return bytes;
}

/** Waits for a condition, within limits. */
export async function until(what, condition) {
  const end = Date.now() + LIMIT;
  while (!(await condition())) {
    if (Date.now() > end) {
      throw new Error(`waited too long until ${what}`);
    }
    await sleep(5);
  }
}

/** What a promise resolves to, within limits. */
export async function within(promise, what) {
  const late = new AbortController();
  try {
    return await Promise.race([
      promise,
      sleep(LIMIT, undefined, { signal: late.signal }).then(() => {
        throw new Error(`waited too long for ${what}`);
      }),
    ]);
  } finally {
    late.abort();
  }
}

/** What a stream fails with. */
export async function failure(stream) {
  const [error] = await within(once(stream, 'error'), 'an error');
  return error;
}

/** When a stream is over, whatever happened. */
export function closed(stream) {
  return stream.closed || within(new Promise((resolve) => stream.once('close', resolve)), 'close');
}

export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

const LIMIT = 20_000;
