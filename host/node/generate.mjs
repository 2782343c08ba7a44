// Writes lib/interface.js and lib/wit.d.ts, what wit/ means in JavaScript and
// in TypeScript: generate.mjs
// With --check, only says whether they are up to date.

import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from './generate/wit.mjs';
import { descriptions } from './generate/descriptions.mjs';
import { declarations } from './generate/declarations.mjs';

const wit = ['pipe', 'pairing'].map((name) => {
  return readFileSync(new URL(`../../wit/${name}.wit`, import.meta.url), 'utf8');
});
const model = parse(wit);
const files = { 'interface.js': descriptions(model), 'wit.d.ts': declarations(model) };
const check = process.argv[2] === '--check';
for (const [name, text] of Object.entries(files)) {
  const path = new URL(`lib/${name}`, import.meta.url);
  if (!check) {
    writeFileSync(path, text);
  } else if (readFileSync(path, 'utf8') !== text) {
    console.error(`lib/${name} is not what wit/ says: run host/node/generate.mjs`);
    process.exitCode = 1;
  }
}
