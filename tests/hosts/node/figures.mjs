// What the component costs here: figures.mjs [REPETITIONS]
//
// Prints one figure a line, its name and its value. `make bench-hosts` makes a
// table of those of all hosts.

import { setTimeout as sleep } from 'node:timers/promises';
import { dispose, instantiate, load } from './package.mjs';
import { establish } from './ends.mjs';

const REPETITIONS = Number(process.argv[2] ?? 400);
/** What 64 packets carry. */
const BATCH = new Uint8Array(65536).fill(0x5a);
/** Connections of which the memory is measured. */
const CROWD = 100;

const module = await load();

/** The times that each of several things took, in microseconds. */
const times = {};

function timed(name, call) {
  const start = process.hrtime.bigint();
  const result = call();
  (times[name] ??= []).push(Number(process.hrtime.bigint() - start) / 1000);
  return result;
}

/** The median of the second half: by then the code is compiled. */
function median(name) {
  const later = times[name].slice(Math.floor(times[name].length / 2)).sort((a, b) => a - b);
  return later[Math.floor(later.length / 2)];
}

/** A batch on its way from one end to the other. */
function transfer({ client, server }) {
  const sealed = timed('seal', () => client.handlePlain(BATCH));
  const opened = timed('open', () => server.handleCrypt(sealed.toCrypt));
  if (Buffer.compare(opened.toPlain, BATCH) !== 0) {
    throw new Error(`a batch arrived different: ${JSON.stringify(opened.status)}`);
  }
}

/** What a new instance and its end take, in milliseconds of CPU. */
function instance() {
  const start = process.cpuUsage();
  for (let i = 0; i < REPETITIONS; i++) {
    const one = instantiate(module);
    one.Session;
    one[dispose]();
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / REPETITIONS / 1000;
}

/** Memory of a session that has worked, in KiB. */
async function memory() {
  const crowd = [];
  const before = await resident();
  while (crowd.length < CROWD) {
    crowd.push(establish(module));
    transfer(crowd.at(-1));
  }
  return ((await resident()) - before) / 1024 / (2 * crowd.length);
}

const collect = globalThis.gc ?? globalThis.Bun?.gc;

/** Memory of this process, without what is garbage, where that can be had. */
async function resident() {
  for (let i = 0; i < 3; i++) {
    collect?.();
    await sleep(20);
  }
  return process.memoryUsage.rss();
}

const connection = establish(module);
for (let i = 0; i < 2 * REPETITIONS; i++) {
  transfer(connection);
}
for (let i = 0; i < REPETITIONS / 4; i++) {
  establish(module, timed);
}
const rate = (name) => BATCH.length / median(name);
const figures = {
  'seal, MB/s': rate('seal'),
  'open, MB/s': rate('open'),
  'instance, CPU ms': instance(),
  'public value, µs': median('public-value'),
  'shared value, µs': median('shared-value'),
  'session, KiB': await memory(),
};
for (const [name, value] of Object.entries(figures)) {
  console.log(`${name}: ${value.toPrecision(3)}`);
}
