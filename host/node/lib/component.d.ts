/// <reference lib="esnext.disposable" />

import type { AcceptorClass, ExchangeClass, Failure, Misuse, SessionClass } from './wit.js';
import type { PairingFailure, PairingMisuse } from './wit.js';

export type * from './wit.js';

/** The component's core module, compiled: a `WebAssembly.Module`. */
export interface Module {}

/** An instance, for one session, one exchange, or one acceptor. */
export interface Instance {
  readonly Acceptor: AcceptorClass;
  readonly Session: SessionClass;
  readonly Exchange: ExchangeClass;
  /** Wipes the instance's memory. Later calls throw; a second time does nothing. */
  [Symbol.dispose](): void;
}

/** The argument of {@link compile}. */
export type Source =
  | Uint8Array
  | ArrayBuffer
  | Module
  | { readonly ok: boolean; arrayBuffer(): Promise<ArrayBuffer> };

/**
 * Compiles the component's core module, for any number of instances.
 *
 * @param source its bytes, or a `Response` with them
 */
export function compile(source: Source | Promise<Source>): Promise<Module>;

/**
 * Makes an instance. Use it for one session, one exchange or one acceptor: after a trap
 * it is unusable, and a peer that breaks out of its session then finds no other
 * connection and no other key.
 */
export function instantiate(module: Module): Instance;

/** `Symbol.dispose`, also for engines without it: `instance[dispose]()`. */
export const dispose: typeof Symbol.dispose;

/** An error that the component returned. */
export class ComponentError extends Error {
  constructor(payload: ComponentError['payload']);
  readonly name: 'ComponentError';
  /** The error value, of the WIT type in the function's result. */
  readonly payload: Misuse | Failure | PairingMisuse | PairingFailure;
}

/**
 * The component has trapped. Its instance is unusable and its memory wiped: drop it, and
 * reset both streams. `cause` is the engine's error.
 */
export class Trap extends Error {
  readonly name: 'Trap';
}
