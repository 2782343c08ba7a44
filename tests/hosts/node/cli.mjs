// What the two programs have in common.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/**
 * Reads the command line: each letter takes a value, and `-f`, `-g`, `-k`,
 * `-o` and `--kex` are always known. Ends the process if it makes no sense.
 *
 * @param {string} usage
 * @param {string} letters options that must be given, besides `-k`
 * @returns {object} the addresses by letter, and those of a pipe
 */
export function commandLine(usage, letters) {
  const value = { type: 'string' };
  const flag = { type: 'boolean' };
  const options = { f: flag, g: flag, k: value, o: { ...value, default: '5' } };
  for (const letter of letters) {
    options[letter] = value;
  }
  try {
    const { values } = parseArgs({ options: { ...withShort(options), kex: value } });
    if ([...letters, 'k'].some((letter) => values[letter] === undefined)) {
      throw new Error(`usage: ${usage} -k KEYFILE [--kex NAME] [-f | -g] [-o SECONDS]`);
    }
    const addresses = [...letters].map((letter) => [letter, address(values[letter])]);
    return {
      ...Object.fromEntries(addresses),
      key: readFileSync(values.k === '-' ? 0 : values.k),
      keyExchange: keyExchange(values),
      forwardSecrecy: values.f ? 'omit' : values.g ? 'require' : 'offer',
      handshakeTimeout: milliseconds(values.o),
    };
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}

/** An address in spiped's syntax, for `net.connect` and `server.listen`. */
function address(text) {
  if (text.startsWith('/')) {
    return { path: text };
  }
  const parts = text.match(/^\[(.+)\]:(\d+)$/) ?? text.match(/^(.+):(\d+)$/);
  if (!parts) {
    throw new Error(`no address: ${text}`);
  }
  return { host: parts[1], port: Number(parts[2]) };
}

function keyExchange({ kex, f }) {
  if (![undefined, 'modp2048', 'x25519'].includes(kex)) {
    throw new Error(`no key exchange: ${kex}`);
  }
  if (kex === 'x25519' && f) {
    throw new Error('-f does not go with --kex x25519');
  }
  return kex;
}

function milliseconds(seconds) {
  if (!(seconds > 0 && seconds < 86400)) {
    throw new Error(`no time limit: ${seconds}`);
  }
  return seconds * 1000;
}

function withShort(options) {
  const entries = Object.entries(options);
  return Object.fromEntries(entries.map(([letter, o]) => [letter, { ...o, short: letter }]));
}
