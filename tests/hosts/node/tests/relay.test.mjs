// What is relayed between a pipe and a plain socket is all that there was, or fails.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PipeError, listen, relay } from '../package.mjs';
import { HOST, KEY, all, client, closed, failure, read, server, until, within } from './lab.mjs';

/** A plain server for as long as the test `t` runs, where `serve` gets the sockets. */
async function plain(t, serve) {
  const running = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    t.after(() => socket.destroy());
    serve(socket.on('error', (error) => (socket.failure = error)));
  });
  running.listen(0, HOST);
  await once(running, 'listening');
  t.after(() => running.close());
  return { host: HOST, port: running.address().port };
}

/** A client's pipe to a server that relays to a target. What comes of it is in `over`. */
async function through(t, target, options) {
  let settle;
  const over = new Promise((resolve) => (settle = resolve));
  const { port } = await server(t, { allowHalfOpen: true, ...options }, (pipe) => {
    relay(pipe, target).then(() => settle('all'), settle);
  });
  const pipe = client(t, port, { allowHalfOpen: true });
  return { pipe, over: within(over, 'the relay') };
}

test('a target that breaks off with its last bytes has not ended', async (t) => {
  const target = await plain(t, (socket) => {
    socket.once('data', () => {
      socket.write('half an answer');
      socket.resetAndDestroy();
    });
  });
  for (const hasEnded of [false, true]) {
    const { pipe, over } = await through(t, target);
    pipe[hasEnded ? 'end' : 'write']('question');
    const error = await all(pipe).then(() => assert.fail('a clean end'), (e) => e);
    assert.equal(error.code, 'ECONNRESET');
    assert.equal((await over).code, 'ECONNRESET');
    // The sockets of Bun and Deno lose bytes that a reset follows, but not the reset.
    if (!process.versions.bun && !process.versions.deno) {
      assert.equal(String(error.received), 'half an answer');
    }
  }
});

test('a client of listen that breaks off has not ended', async (t) => {
  const { port, next } = await server(t, { allowHalfOpen: true });
  const { path, close } = await listen({ host: HOST, port, key: KEY });
  t.after(close);
  const socket = net.connect({ path });
  const pipe = await next();
  // What it has not read makes a reset of its end, on a Unix socket, too.
  pipe.write('unread');
  await once(socket, 'readable');
  socket.read();
  socket.pause();
  pipe.write(Buffer.alloc(1_000_000));
  await until('the rest was on its way', () => pipe.bytesWritten > 1000);
  socket.write('half a question');
  socket.destroy();
  const error = await all(pipe).then(() => assert.fail('a clean end'), (e) => e);
  assert.equal(error.code, 'ECONNRESET');
});

test('a pipe that breaks resets the target after what came before', async (t) => {
  let accepted;
  const target = await plain(t, (socket) => (accepted = socket));
  const { pipe, over } = await through(t, target);
  pipe.write('half a question');
  await until('the target was reached', () => accepted);
  assert.equal(String(await read(accepted, 15)), 'half a question');
  pipe.resetAndDestroy();
  assert.equal((await failure(accepted.resume())).code, 'ECONNRESET');
  assert.equal((await over).code, 'ECONNRESET');
});

test('both directions end by themselves, and carry all', async (t) => {
  const target = await plain(t, async (socket) => socket.end(await all(socket)));
  const { pipe, over } = await through(t, target);
  const bytes = randomBytes(3_000_000);
  pipe.end(bytes);
  assert.ok(bytes.equals(await all(pipe)));
  await closed(pipe);
  assert.equal(await over, 'all');
});

test('a client that does not read makes the target wait', async (t) => {
  let sent = 0;
  const target = await plain(t, (socket) => {
    const write = () => {
      while (socket.write(Buffer.alloc(65536))) {
        sent += 1;
      }
      sent += 1;
      socket.once('drain', write);
    };
    write();
  });
  const { pipe } = await through(t, target);
  await once(pipe, 'readable');
  let before = -1;
  await until('the target stood still', async () => {
    const stands = sent === before;
    before = sent;
    await sleep(300);
    return stands && sent === before;
  });
  // More than the kernel's buffers take, two sockets long, and there would be none.
  assert.ok(sent < 600, `${sent} chunks`);
});

test('a target that is not there fails the client', async (t) => {
  const nobody = net.createServer().listen(0, HOST);
  await once(nobody, 'listening');
  const { port } = nobody.address();
  await new Promise((resolve) => nobody.close(resolve));
  const { pipe, over } = await through(t, { host: HOST, port });
  assert.equal((await failure(pipe.resume())).code, 'ECONNRESET');
  assert.equal((await over).code, 'ECONNREFUSED');
});

test('a target that does not answer is given up', async (t) => {
  const socket = new net.Socket({ allowHalfOpen: true, readableHighWaterMark: 1 });
  // As if it were on its way for good.
  socket.connecting = true;
  const { pipe, over } = await through(t, socket, { handshakeTimeout: 300 });
  assert.equal((await failure(pipe.resume())).code, 'ECONNRESET');
  const error = await over;
  assert.ok(error instanceof PipeError);
  assert.equal(error.code, 'timed-out');
});

test('what would make a reset an end, or cut an answer short, is refused', async (t) => {
  const target = await plain(t, (socket) => socket.resume());
  const usual = { ...target, allowHalfOpen: true };
  const careful = { ...target, readableHighWaterMark: 1 };
  for (const [to, options] of [
    [net.connect(usual)],
    [net.connect(careful)],
    [target, { allowHalfOpen: false }],
  ]) {
    const { pipe, over } = await through(t, to, options);
    assert.equal((await failure(pipe.resume())).code, 'ECONNRESET');
    assert.ok((await over) instanceof TypeError);
  }
});
