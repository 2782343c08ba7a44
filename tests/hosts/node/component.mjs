// The portable component, as jco made a module of it: see setup.sh.

import { readFileSync } from 'node:fs';
import { instantiate } from '../../../target/hosts/node/gen/spiped.js';

const gen = new URL('../../../target/hosts/node/gen/', import.meta.url);
const modules = {};

/**
 * A new instance, of code that is compiled once. One is for one connection:
 * after a trap, an instance is unusable.
 *
 * @returns {{ Session: Function }} the interface `protocol`
 */
export function newInstance() {
  return instantiate(compiled, {}, (module, imports) => new WebAssembly.Instance(module, imports))
    .protocol;
}

function compiled(name) {
  return (modules[name] ??= new WebAssembly.Module(readFileSync(new URL(name, gen))));
}
