// Idle pipes have no instance of the component, and nobody notices.
//
// CONNECTIONS: how many there are at once.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { all, client, ends, server, until, within } from './lab.mjs';

const CONNECTIONS = Number(process.env.CONNECTIONS ?? 200);
const both = { sleepAfter: 50, allowHalfOpen: true };

function asleep(...pipes) {
  return until('all slept', () => pipes.every((pipe) => pipe.isAsleep));
}

test('a pipe that has slept goes on where it stopped', async (t) => {
  for (const keyExchange of ['modp2048', 'x25519']) {
    const { near, far } = await ends(t, { both, client: { keyExchange } });
    for (let round = 0; round < 3; round++) {
      for (const [from, to] of [[near, far], [far, near]]) {
        await asleep(near, far);
        from.write(`round ${round}`);
        assert.equal(from.isAsleep, false);
        const [bytes] = await within(once(to, 'data'), 'data');
        assert.equal(String(bytes), `round ${round}`);
      }
    }
    await asleep(near, far);
    near.end('last');
    assert.equal(String(await all(far)), 'last');
    await asleep(near, far);
    far.end('and least');
    assert.equal(String(await all(near)), 'and least');
  }
});

test('a pipe may fall asleep within a packet', async (t) => {
  let halves = false;
  const { near, far } = await ends(t, {
    both,
    onWire(nearby, farther) {
      nearby.on('data', async (bytes) => {
        farther.write(bytes.subarray(0, halves ? 500 : bytes.length));
        if (halves) {
          await asleep(far);
          farther.write(bytes.subarray(500));
        }
      });
      farther.pipe(nearby);
    },
  });
  halves = true;
  near.write('in two parts');
  const [bytes] = await within(once(far, 'data'), 'data');
  assert.equal(String(bytes), 'in two parts');
});

test('a pipe that is used does not sleep, and one that must not never does', async (t) => {
  const { near, far } = await ends(t, {
    client: { sleepAfter: 400 }, server: { sleepAfter: Infinity },
  });
  far.resume();
  for (let i = 0; i < 30; i++) {
    near.write('.');
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(near.isAsleep, false);
  }
  await asleep(near);
  assert.equal(far.isAsleep, false);
});

test('where addresses run out, those that are idle make room', async () => {
  // Room for a few instances, each of which reserves 10 GB.
  const scarce = spawn('prlimit', [
    '--as=60000000000', process.execPath, fileURLToPath(new URL('./scarce.mjs', import.meta.url)),
  ], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, [code]] = await Promise.all([all(scarce.stdout), once(scarce, 'close')]);
  assert.equal(code, 0);
  assert.ok(Number(said) > 0, 'some had to sleep');
});

test(`${CONNECTIONS} idle connections sleep in one process`, async (t) => {
  const [pipes, clients] = [[], []];
  const { port } = await server(t, { sleepAfter: 300 }, (pipe) => pipes.push(pipe.pipe(pipe)));
  const options = { sleepAfter: 300, keyExchange: 'x25519', handshakeTimeout: 60_000 };
  const before = process.memoryUsage().rss;
  // Not more at once than a queue of the kernel holds.
  while (pipes.length < CONNECTIONS) {
    const some = Array.from({ length: Math.min(100, CONNECTIONS - pipes.length) }, () => {
      return client(t, port, options);
    });
    await Promise.all(some.map((pipe) => within(once(pipe, 'connect'), 'connect')));
    clients.push(...some);
    await until('the server has them all', () => pipes.length === clients.length);
  }
  await asleep(...pipes, ...clients);
  const kib = (process.memoryUsage().rss - before) / 1024 / (2 * CONNECTIONS);
  t.diagnostic(`${kib.toFixed(0)} KiB a pipe`);
  for (const pipe of clients) {
    const message = randomBytes(8);
    pipe.write(message);
    const [answer] = await within(once(pipe, 'data'), 'an answer');
    assert.ok(answer.equals(message));
  }
});
