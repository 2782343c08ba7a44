// The component in browsers, which have no sockets: bytes in, bytes out.

import { compile } from './component.js';

export { ComponentError, Trap, compile, dispose, instantiate } from './component.js';

/** Fetches and compiles the core module beside this file. See `browser.d.ts`. */
export function load() {
  // In this form, bundlers see that the file is needed.
  return compile(fetch(new URL('./spiped-portable.core.wasm', import.meta.url)));
}
