// The portable component, as jco made a module of it: see setup.sh.

import { readFileSync } from 'node:fs';
import { instantiate } from '../../../target/hosts/node/gen/spiped.js';

const gen = new URL('../../../target/hosts/node/gen/', import.meta.url);
const modules = {};

/**
 * A new instance, of code that is compiled once. One is for one connection, or
 * for an acceptor: after a trap, an instance is unusable.
 *
 * @returns {{ Acceptor: Function, Session: Function }} two interfaces' resources
 */
export function newInstance() {
  const instance = (module, imports) => new WebAssembly.Instance(module, imports);
  const { acceptor, session } = instantiate(compiled, {}, instance);
  return { Acceptor: acceptor.Acceptor, Session: session.Session };
}

function compiled(name) {
  return (modules[name] ??= new WebAssembly.Module(readFileSync(new URL(name, gen))));
}
