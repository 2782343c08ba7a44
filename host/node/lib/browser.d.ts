import type { Module } from './component.js';

export { ComponentError, Trap, compile, dispose, instantiate } from './component.js';
export type * from './component.js';

/** Compiles the core module that comes with this package. */
export function load(): Promise<Module>;
