// What the package's bindings and those that jco makes cost, in CPU time, as a table in
// Markdown: bench-bindings.mjs

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { dispose, instantiate, load } from './package.mjs';

const target = (path) => fileURLToPath(new URL(`../../../target/${path}`, import.meta.url));
const CONFIG = { tag: 'x25519' };
const BATCH = new Uint8Array(65536).fill(0x5a);
const SMALL = BATCH.subarray(0, 100);

/** How to make an instance and drop it. */
async function ours() {
  const module = await load();
  return () => {
    const instance = instantiate(module);
    return { Session: instance.Session, drop: () => instance[dispose]() };
  };
}

async function ofJco() {
  const folder = mkdtempSync(join(tmpdir(), 'spiped-jco-'));
  try {
    execFileSync(target('hosts/node/node_modules/.bin/jco'), [
      'transpile', target('components/spiped-portable.wasm'), '--quiet', '--name', 'spiped',
      '--instantiation', 'async', '--out-dir', folder,
    ]);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const { instantiate: make } = await import(pathToFileURL(join(folder, 'spiped.js')));
    const names = ['spiped.core.wasm', 'spiped.core2.wasm', 'spiped.core3.wasm'];
    const modules = Object.fromEntries(names.map((name) => {
      return [name, new WebAssembly.Module(readFileSync(join(folder, name)))];
    }));
    const core = (module, imports) => new WebAssembly.Instance(module, imports);
    return () => ({ ...make((name) => modules[name], {}, core).session, drop() {} });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Microseconds of CPU time that a call takes, in the best of some rounds. */
function cost(count, call) {
  const rounds = Array.from({ length: 5 }, () => {
    const start = process.cpuUsage();
    for (let i = 0; i < count; i++) {
      call();
    }
    const { user, system } = process.cpuUsage(start);
    return (user + system) / count;
  });
  return Math.min(...rounds);
}

function measure(make) {
  const instance = cost(100, () => make().drop());
  const [psk, nonce] = [randomBytes(32), randomBytes(32)];
  const client = make().Session.connect(CONFIG, psk, randomBytes(64));
  const hello = Buffer.concat([
    client.start().toCrypt, client.compute().toCrypt, client.handleCrypt(nonce).toCrypt,
  ]);
  const server = make().Session.accept(CONFIG, nonce, hello, psk, randomBytes(32));
  server.start();
  const share = server.compute().toCrypt;
  server.compute();
  client.handleCrypt(share);
  client.compute();
  const sealed = [];
  const seal = cost(400, () => sealed.push(client.handlePlain(BATCH).toCrypt));
  const open = cost(400, () => server.handleCrypt(sealed.shift()));
  const small = cost(2000, () => client.handlePlain(SMALL));
  return [instance / 1000, BATCH.length / seal, BATCH.length / open, small];
}

const rows = ['instance, ms', 'seal 64 packets, MB/s', 'open 64 packets, MB/s', 'seal 100 bytes, µs'];
const own = measure(await ours());
const jco = measure(await ofJco());
console.log(`| CPU time in Node ${process.version} | package | jco |\n|---|---|---|`);
rows.forEach((row, i) => {
  const digits = i === 0 ? 2 : 0;
  console.log(`| ${row} | ${own[i].toFixed(digits)} | ${jco[i].toFixed(digits)} |`);
});
