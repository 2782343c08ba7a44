// What the two programs have in common.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/**
 * Reads the command line: each letter takes a value, and `-f`, `-g`, `-k` and
 * `-o` are always known. Ends the process if it makes no sense.
 *
 * @param {string} usage
 * @param {string} letters options that must be given, besides `-k`
 * @returns {object} the addresses by letter, and the options of `Pipe`
 */
export function commandLine(usage, letters) {
  const value = { type: 'string' };
  const flag = { type: 'boolean' };
  const options = { f: flag, g: flag, k: value, o: { ...value, default: '5' } };
  for (const letter of letters) {
    options[letter] = value;
  }
  try {
    const { values } = parseArgs({ options: withShort(options) });
    if ([...letters, 'k'].some((letter) => values[letter] === undefined)) {
      throw new Error(`usage: ${usage} -k KEYFILE [-f | -g] [-o SECONDS]`);
    }
    const addresses = [...letters].map((letter) => [letter, address(values[letter])]);
    return {
      ...Object.fromEntries(addresses),
      key: readFileSync(values.k === '-' ? 0 : values.k),
      forwardSecrecy: values.f ? 'omit' : values.g ? 'require' : 'offer',
      timeout: milliseconds(values.o),
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
