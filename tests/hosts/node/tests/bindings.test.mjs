// The bindings take nothing but what the interface says, from hosts and from guests.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import vm from 'node:vm';
import { Worker } from 'node:worker_threads';
import { ComponentError, Trap, compile, dispose, instantiate, load } from '../package.mjs';
import { guest } from './guest.mjs';

const module = await load();
const CONFIG = { tag: 'x25519' };

function session() {
  return instantiate(module).Session.connect(CONFIG, randomBytes(32), randomBytes(64));
}

test('an argument that is not bytes throws, and the session goes on', () => {
  const one = session();
  one.start();
  const wrong = [
    undefined, null, 'text', 7, [1, 2], {}, { length: 2 }, new ArrayBuffer(2), new Uint16Array(2),
    new DataView(new ArrayBuffer(2)), Object.create(Uint8Array.prototype),
  ];
  for (const bytes of wrong) {
    for (const method of ['handleCrypt', 'handlePlain']) {
      assert.throws(() => one[method](bytes), { name: 'TypeError', message: /bytes/ });
    }
  }
  assert.equal(one.compute().status.tag, 'handshaking');
  assert.deepEqual(one.handleCrypt(vm.runInNewContext('new Uint8Array(0)')).status, {
    tag: 'handshaking',
  });
});

test('a buffer that is gone is no empty array, and the session goes on', () => {
  const one = session();
  one.start();
  const detached = new Uint8Array(3);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const buffer = new ArrayBuffer(8, { maxByteLength: 16 });
  const beyond = new Uint8Array(buffer, 4, 4);
  buffer.resize(2);
  for (const bytes of [detached, beyond]) {
    assert.throws(() => one.handlePlain(bytes), { name: 'TypeError' });
  }
  assert.equal(one.compute().status.tag, 'handshaking');
});

/** The memories of instances to come, for as long as the test `t` runs. */
function watched(t) {
  const memories = [];
  t.mock.method(WebAssembly, 'Instance', class extends WebAssembly.Instance {
    constructor(...values) {
      super(...values);
      memories.push(this.exports.memory);
    }
  });
  return memories;
}

test('what an instance knew is wiped with it', (t) => {
  const memories = watched(t);
  // At every stage a session keeps other secrets, in other places.
  for (const config of [CONFIG, { tag: 'modp2048', val: 'offer' }]) {
    for (const calls of [[], ['start'], ['start', 'compute'], ['start', 'compute', 'handleCrypt']]) {
      const instance = instantiate(module);
      const one = instance.Session.connect(config, randomBytes(32), randomBytes(64));
      for (const call of calls) {
        one[call](...(call === 'handleCrypt' ? [randomBytes(32)] : []));
      }
      instance[dispose]();
      // The end of the heap is marked, in some bytes at its end.
      const left = Buffer.from(memories.at(-1).buffer).filter((byte) => byte !== 0).length;
      assert.ok(left < 8, `${left} bytes after ${calls}`);
    }
  }
});

test('what an acceptor knew of thousands of keys is wiped with it', (t) => {
  const memories = watched(t);
  for (const count of [1, 4000, 10_000]) {
    const instance = instantiate(module);
    const psks = Array.from({ length: count }, () => randomBytes(32));
    const acceptor = new instance.Acceptor({ tag: 'any', val: 'offer' }, psks);
    acceptor.identify(randomBytes(32), randomBytes(320));
    instance[dispose]();
    const left = Buffer.from(memories.at(-1).buffer).filter((byte) => byte !== 0).length;
    assert.equal(left, 0, `${left} bytes of ${count} keys`);
  }
});

test('a config that is none throws', () => {
  const { Session, Acceptor, Exchange } = instantiate(module);
  const [psk, entropy] = [randomBytes(32), randomBytes(64)];
  for (const config of [
    undefined, 'x25519', { tag: 'none' }, { tag: 'modp2048' }, { tag: 'x25519', val: 'offer' },
    { tag: 'modp2048', val: 'none' }, { tag: 'any', val: 'offer' }, { tag: 'toString' },
    { tag: ['x25519'] },
  ]) {
    assert.throws(() => Session.connect(config, psk, entropy), { name: 'TypeError' });
  }
  for (const psks of [undefined, psk, 'text', [psk, 'text'], new Array(1)]) {
    assert.throws(() => new Acceptor({ tag: 'x25519' }, psks), { name: 'TypeError' });
  }
  assert.throws(() => new Exchange('both', undefined, psk), { name: 'TypeError' });
  assert.throws(() => new Exchange('client', null, psk), { name: 'TypeError' });
  assert.throws(() => new Session(), { name: 'TypeError' });
});

test('what a message says is never a secret', () => {
  const { Session } = instantiate(module);
  assert.throws(() => Session.connect(CONFIG, 'my secret', randomBytes(64)), (error) => {
    return !error.message.includes('secret');
  });
});

test('misuse is an error with its name', () => {
  const { Session, Acceptor } = instantiate(module);
  const psk = randomBytes(32);
  const misuse = (payload) => ({ name: 'ComponentError', payload });
  assert.throws(() => Session.connect(CONFIG, psk.subarray(1), randomBytes(64)), misuse('psk-length'));
  assert.throws(() => Session.connect(CONFIG, psk, psk), misuse('entropy-length'));
  assert.throws(() => Session.connect(CONFIG, psk, Buffer.alloc(64)), misuse('broken-randomness'));
  assert.throws(() => Session.resume(psk), misuse('bad-state'));
  assert.throws(() => new Acceptor(CONFIG, [psk, psk]), misuse('duplicate-psk'));
  const acceptor = new Acceptor(CONFIG, [psk]);
  assert.throws(() => acceptor.identify(psk.subarray(1), psk), misuse('nonce-length'));
  const one = session();
  one.start();
  assert.throws(() => one.suspend(), misuse({ tag: 'misuse', val: 'not-established' }));
  assert.deepEqual(one.compute().status, {
    tag: 'failed',
    val: { tag: 'misuse', val: 'not-established' },
  });
  assert.equal(one.pskId(), undefined);
  assert.ok(new ComponentError('psk-length') instanceof Error);
});

test('pairing agrees on a key', () => {
  const [client, server] = ['client', 'server'].map((side) => {
    return new (instantiate(module).Exchange)(side, undefined, randomBytes(32));
  });
  const answers = { client: client.start(), server: server.start() };
  for (let i = 0; i < 3; i++) {
    answers.server = server.receive(answers.client.toPeer);
    answers.client = client.receive(answers.server.toPeer);
  }
  assert.match(answers.client.status.val, /^\d{4} \d{4} \d{4}$/);
  assert.deepEqual(answers.client.status, answers.server.status);
  const confirmed = client.confirm();
  server.receive(confirmed.toPeer);
  const agreed = client.receive(server.confirm().toPeer);
  assert.equal(agreed.status.tag, 'agreed');
  assert.equal(client.eof(), undefined);
  assert.deepEqual(client.takeKey(), server.takeKey());
  assert.throws(() => client.takeKey(), { payload: { tag: 'misuse', val: 'no-key' } });
  const other = new (instantiate(module).Exchange)('client', 'a code of ours', randomBytes(32));
  other.start();
  assert.throws(() => other.receive(Buffer.from('HTTP/1.1 200 OK')), {
    payload: { tag: 'peer', val: 'not-pairing' },
  });
});

test('after its end a session and an instance say so', () => {
  const instance = instantiate(module);
  const one = instance.Session.connect(CONFIG, randomBytes(32), randomBytes(64));
  one[dispose]();
  one[dispose]();
  assert.throws(() => one.start(), /was disposed of/);
  const two = instance.Session.connect(CONFIG, randomBytes(32), randomBytes(64));
  instance[dispose]();
  instance[dispose]();
  assert.throws(() => two.start(), /was disposed of/);
  two[dispose]();
});

/** Both ends of an established connection. */
function established() {
  const config = { tag: 'modp2048', val: 'omit' };
  const [psk, nonce] = [randomBytes(32), randomBytes(32)];
  const client = instantiate(module).Session.connect(config, psk, randomBytes(64));
  const start = client.start().toCrypt;
  const hello = Buffer.concat([start, client.handleCrypt(nonce).toCrypt]);
  const { Session } = instantiate(module);
  const server = Session.accept(config, nonce, hello, psk, randomBytes(32));
  const share = server.start().toCrypt;
  const status = client.handleCrypt(share).status;
  assert.equal(status.tag === 'wants-compute' ? client.compute().status.tag : status.tag, 'established');
  return { client, server };
}

test('what a call returned is freed and wiped', (t) => {
  const memories = watched(t);
  const { client, server } = established();
  const bytes = randomBytes(60_000);
  for (let i = 0; i < 100; i++) {
    server.handleCrypt(client.handlePlain(bytes).toCrypt);
  }
  for (const memory of memories) {
    // Otherwise it would have 6 MB.
    assert.ok(memory.buffer.byteLength <= 1 << 20);
  }
  const state = client.suspend();
  assert.equal(Buffer.from(memories[0].buffer).indexOf(state.subarray(-64)), -1);
});

test('long input and memory that grows change nothing', () => {
  const { client, server } = established();
  const bytes = randomBytes(5_000_000);
  const sealed = client.handlePlain(bytes);
  assert.ok(bytes.equals(server.handleCrypt(sealed.toCrypt).toPlain));
});

test('a module is made of bytes and of a response', async () => {
  await assert.rejects(compile('text'), { name: 'TypeError' });
  await assert.rejects(compile(undefined), { name: 'TypeError' });
  await assert.rejects(compile(new Response('', { status: 404 })), /404/);
  const response = new Response(guest({}), { headers: { 'content-type': 'text/plain' } });
  assert.ok((await compile(response)) instanceof WebAssembly.Module);
  assert.equal(await compile(module), module);
});

test('a guest that breaks down is a trap, and its instance unusable', async () => {
  for (const [broken, what] of [
    ['trap', /unreachable/],
    ['far', /bound|range|length/i],
    ['case', /discriminant 255 of 4/],
    ['list', /bound|range|length|invalid/i],
  ]) {
    const code = await compile(guest({ compute: broken }));
    const [one, other] = [instantiate(code), instantiate(code)].map(({ Session }) => {
      return Session.connect(CONFIG, randomBytes(32), randomBytes(64));
    });
    assert.throws(() => one.compute(), (error) => {
      return error instanceof Trap && what.test(error.message) && error.cause !== undefined;
    });
    assert.throws(() => one.start(), { name: 'Trap', message: /unusable/ });
    one[dispose]();
    assert.deepEqual(other.start().status, { tag: 'handshaking' });
  }
});

test('a guest that never returns is stopped with its worker', async () => {
  const worker = new Worker(new URL('./endless.mjs', import.meta.url), {
    workerData: guest({ compute: 'loop' }),
  });
  await new Promise((resolve) => worker.once('message', resolve));
  assert.equal(await worker.terminate(), 1);
});
