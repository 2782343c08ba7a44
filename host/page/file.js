// What a component's file says about itself: its size, what it imports, and the
// core module inside.

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const CORE_MODULE = 1;
const IMPORTS = 10;

/**
 * Takes a component apart, as far as its sections.
 *
 * @param {Uint8Array} file
 * @returns {{ size: number, imports: number, core: Uint8Array }} the file's
 *   length, how many things the component imports, and its first core module
 * @throws {Error} if it is no component, or has no module
 */
export function inspect(file) {
  if (PREAMBLE.some((byte, index) => file[index] !== byte)) {
    throw new Error('this file is not a WebAssembly component');
  }
  let imports = 0;
  let core;
  let at = PREAMBLE.length;
  while (at < file.length) {
    const section = file[at];
    const length = number(file, at + 1);
    const end = length.next + length.value;
    if (end > file.length) {
      throw new Error('this component is truncated');
    }
    if (section === IMPORTS) {
      imports += number(file, length.next).value;
    } else if (section === CORE_MODULE) {
      core ??= file.subarray(length.next, end);
    }
    at = end;
  }
  if (!core) {
    throw new Error('this component has no module inside');
  }
  return { size: file.length, imports, core };
}

/** Reads an unsigned LEB128 of at most 32 bits. */
function number(file, at) {
  let value = 0;
  for (let index = 0; index < 5 && at + index < file.length; index++) {
    const byte = file[at + index];
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) {
      return { value, next: at + index + 1 };
    }
  }
  throw new Error('this component is truncated');
}
