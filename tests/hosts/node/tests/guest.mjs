// Guests that break down, as core modules. No component of ours does what they do.

const I32 = 0x7f;
const FUNCTION = 0x60;
const END = 0x0b;
/** Where the result of every call is: zeros, but for what is broken. */
const RESULT = 64;
const SESSION = 'spiped:pipe/session@0.1.0#';

/** The code of a broken method. */
const WAYS = {
  trap: [0x00],
  loop: [0x03, 0x40, 0x0c, 0x00, END, 0x00],
  /** The result is beyond the memory's end. */
  far: constant(0x7fff_fff0),
  /** The status is a case that there is not. */
  case: constant(256),
  /** A list ends beyond the memory's end. */
  list: constant(512),
};

/**
 * A module whose sessions answer every call with an empty output.
 *
 * @param {object} ways what one of `start` and `compute` does instead
 * @returns {Uint8Array}
 */
export function guest(ways) {
  const functions = [
    ['cabi_realloc', constant(1024)],
    [`${SESSION}[static]session.connect`, constant(RESULT)],
    [`${SESSION}[dtor]session`, constant(0)],
    ...['start', 'compute'].map((name) => [
      `${SESSION}[method]session.${name}`,
      ways[name] ? WAYS[ways[name]] : constant(RESULT),
    ]),
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([[FUNCTION, 0, 1, I32]])),
    ...section(3, vector(functions.map(() => [0]))),
    ...section(5, vector([[0, 1]])),
    ...section(6, vector([[I32, 0, ...constant(2048), END]])),
    ...section(7, vector([
      [...name('memory'), 2, 0],
      [...name('__heap_base'), 3, 0],
      ...functions.map(([export_], i) => [...name(export_), 0, i]),
    ])),
    ...section(10, vector(functions.map(([, code]) => sized([0, ...code, END])))),
    ...section(11, vector([
      // Of an output: the status is at 16, the length of `to-crypt` at 4.
      [0, ...constant(256 + 16), END, 1, 0xff],
      [0, ...constant(512 + 4), END, 4, 0xff, 0xff, 0xff, 0x7f],
    ])),
  ]);
}

function constant(value) {
  return [0x41, ...signed(value)];
}

function section(id, content) {
  return [id, ...sized(content)];
}

function vector(items) {
  return [...unsigned(items.length), ...items.flat()];
}

function sized(bytes) {
  return [...unsigned(bytes.length), ...bytes];
}

function name(text) {
  return sized([...new TextEncoder().encode(text)]);
}

/** LEB128. */
function unsigned(value) {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value) {
  return value >= -64 && value < 64
    ? [value & 0x7f]
    : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
