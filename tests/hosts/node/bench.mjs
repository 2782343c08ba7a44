// What the portable component costs in Node, as a table in Markdown.

import { randomBytes } from 'node:crypto';
import { dispose, instantiate, load } from './package.mjs';

const module = await load();
const REPETITIONS = 400;
/** What 64 packets carry. */
const BATCH = new Uint8Array(65536).fill(0x5a);

/** Both ends of an established connection, and how long the exponentiations took. */
function establish() {
  const [psk, serverNonce] = [randomBytes(32), randomBytes(32)];
  const config = { tag: 'modp2048', val: 'offer' };
  const client = instantiate(module).Session.connect(config, psk, randomBytes(64));
  const clientNonce = client.start().toCrypt;
  const publicValue = timed(() => client.compute());
  const hello = Buffer.concat([clientNonce, client.handleCrypt(serverNonce).toCrypt]);
  const { Session } = instantiate(module);
  const server = Session.accept(config, serverNonce, hello, psk, randomBytes(32));
  server.start();
  const share = server.compute().toCrypt;
  const sharedValue = timed(() => server.compute());
  client.handleCrypt(share);
  client.compute();
  return { client, server, publicValue: publicValue.time, sharedValue: sharedValue.time };
}

/** What `call` returns, and how many microseconds it took. */
function timed(call) {
  const start = process.hrtime.bigint();
  const result = call();
  return { result, time: Number(process.hrtime.bigint() - start) / 1000 };
}

/** The times of a batch on its way from one end to the other. */
function transfer({ client, server }) {
  const seal = timed(() => client.handlePlain(BATCH));
  const open = timed(() => server.handleCrypt(seal.result.toCrypt));
  if (Buffer.compare(open.result.toPlain, BATCH) !== 0) {
    throw new Error(`a batch arrived different: ${JSON.stringify(open.result.status)}`);
  }
  return { seal: seal.time, open: open.time };
}

/** What a new instance and its end take, in microseconds of CPU. */
function instance() {
  const start = process.cpuUsage();
  for (let i = 0; i < REPETITIONS; i++) {
    const one = instantiate(module);
    one.Session;
    one[dispose]();
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / REPETITIONS;
}

/** The second half of the repetitions: by then the code is compiled. */
function medians(measure, names) {
  const runs = Array.from({ length: 2 * REPETITIONS }, measure).slice(REPETITIONS);
  return names.map((name) => runs.map((run) => run[name]).sort((a, b) => a - b)[REPETITIONS / 2]);
}

const [publicValue, sharedValue] = medians(establish, ['publicValue', 'sharedValue']);
const connection = establish();
const [seal, open] = medians(() => transfer(connection), ['seal', 'open']);
const rate = (time) => (BATCH.length / time).toFixed(0);
console.log(`| portable component in Node ${process.version} | |
|---|---|
| instance, CPU µs | ${instance().toFixed(0)} |
| public value, µs | ${publicValue.toFixed(0)} |
| shared value, µs | ${sharedValue.toFixed(0)} |
| seal 64 packets, MB/s | ${rate(seal)} |
| open 64 packets, MB/s | ${rate(open)} |`);
