// The composed component in Node: run.mjs MODULE, as `jco transpile` makes it.

import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';

const { selfTest } = await import(pathToFileURL(process.argv[2]));
const psk = new Uint8Array(32).fill(7);

for (const size of [0, 1, 1024, 100_000]) {
  const message = Uint8Array.from({ length: size }, (_, i) => i % 251);
  assert.deepEqual(selfTest(psk, message), message);
}
assert.throws(() => selfTest(psk.subarray(1), psk), { payload: /psk-length/ });
