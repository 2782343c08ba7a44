// Loads the component and the words of its interface, and sets the page going.

import { compile } from './spiped-pipe/component.js';
import { Connection } from './connection.js';
import { element, find } from './dom.js';
import { inspect } from './file.js';
import { Pairing } from './pairing.js';
import { cases } from './wit.js';

async function load(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) {
    throw new Error(`${name}: ${response.status} ${response.statusText}`);
  }
  return response;
}

const kibibytes = (bytes) => `${Math.round(bytes / 1024)} KiB`;
const none = (count) => (count === 0 ? 'none' : String(count));

/** What is true of the file, in a line. */
function measure({ size, imports }) {
  find('#measured').textContent = `${kibibytes(size)}, imports: ${none(imports)}`;
}

/** The same in detail. */
async function facts({ size, imports, core }, module, file) {
  const grouped = (number) => number.toLocaleString('en');
  const interfaces = new Set(
    WebAssembly.Module.exports(module)
      .filter(({ name }) => name.startsWith('spiped:'))
      .map(({ name }) => name.split('#')[0]),
  );
  const asked = WebAssembly.Module.imports(module);
  const rows = [
    ['Size', `${grouped(size)} bytes`],
    ['Imports', none(imports)],
    ['Exports', [...interfaces].join(', ')],
    [
      'Core module inside',
      `${grouped(core.length)} bytes. It asks for ${asked.length} functions, which every binding has: ${[...new Set(asked.map(({ name }) => name))].join(', ')}.`,
    ],
  ];
  // Only where the page came over TLS or from this machine.
  if (crypto.subtle) {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', file));
    rows.push([
      'SHA-256',
      Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    ]);
  }
  find('#facts').replaceChildren(
    ...rows.map(([name, value]) =>
      element('div', {}, element('dt', {}, name), element('dd', {}, value)),
    ),
  );
}

try {
  const [file, pipe, pairing] = await Promise.all([
    load('spiped-portable.wasm').then((response) => response.arrayBuffer()),
    load('pipe.wit').then((response) => response.text()),
    load('pairing.wit').then((response) => response.text()),
  ]);
  const component = inspect(new Uint8Array(file));
  const module = await compile(component.core);
  measure(component, module);
  const given = new URLSearchParams(location.search);
  const connection = new Connection(module, cases(pipe), given);
  new Pairing(module, cases(pairing), given, (psk) => connection.useKey(psk));
  connection.begin();
  await facts(component, module, file);
  document.documentElement.dataset.state = 'ready';
} catch (error) {
  document.documentElement.dataset.state = 'failed';
  find('#measured').textContent = `This page could not start: ${error.message}.`;
  throw error;
}
