// Sessions, each in an instance of its own that it gives up while it is idle.

import { readFileSync } from 'node:fs';
import { dispose, instantiate } from './component.js';

let module;

/** Compiles the core module that comes with this package, or has it already. */
export async function load() {
  return compiled();
}

function compiled() {
  return (module ??= new WebAssembly.Module(
    readFileSync(new URL('./spiped-portable.core.wasm', import.meta.url)),
  ));
}

/**
 * Those that have an instance and could give it up. An engine reserves up to 10 GB
 * of addresses for each, and a process has no more than 128 TB.
 */
const awake = new Set();

/** A new instance. */
export function newInstance() {
  const code = compiled();
  try {
    return instantiate(code);
  } catch (error) {
    if (!(error instanceof RangeError) || awake.size === 0) {
      throw error;
    }
    // No more addresses, until others give theirs up.
    [...awake].forEach((session) => session.sleep());
    return instantiate(code);
  }
}

/**
 * One session. Its instance ends with it, and after a trap.
 */
export class OwnSession {
  #instance;
  #session;
  /** Of a suspended session: secret, and good for one `resume`. */
  #state;
  /** What a trap on the way to sleep has thrown: for the next call. */
  #trap;
  #sleepAfter;
  #timer;

  /**
   * @param {Function} make makes the session of an instance's class
   * @param {number} sleepAfter in milliseconds
   */
  constructor(make, sleepAfter) {
    this.#sleepAfter = sleepAfter;
    this.#in(newInstance(), make);
  }

  /** From now on, it sleeps when it is idle: once it is established. */
  allowSleep() {
    if (this.#sleepAfter !== Infinity) {
      this.#timer = setTimeout(() => this.sleep(), this.#sleepAfter);
      this.#timer.unref();
    }
    awake.add(this);
  }

  get isAsleep() {
    return this.#state !== undefined;
  }

  /** Calls a method that returns an `output`. */
  call(method, bytes) {
    if (this.#trap) {
      throw this.#trap;
    }
    if (this.#state) {
      // First: if there is no instance to be had, the state is still there.
      const instance = newInstance();
      const state = this.#state;
      this.#state = undefined;
      try {
        this.#in(instance, (Session) => Session.resume(state));
      } finally {
        state.fill(0);
      }
      awake.add(this);
    }
    this.#timer?.refresh();
    return this.#session[method](bytes);
  }

  /** Gives the instance up, and keeps the state. */
  sleep() {
    if (this.#session && !this.#state) {
      awake.delete(this);
      try {
        this.#state = this.#session.suspend();
      } catch (trap) {
        this.#trap = trap;
      }
      this.#drop();
    }
  }

  /** Ends it, and wipes what it knows. */
  end() {
    clearTimeout(this.#timer);
    awake.delete(this);
    this.#drop();
    this.#state?.fill(0);
    this.#state = undefined;
  }

  #in(instance, make) {
    try {
      this.#session = make(instance.Session);
      this.#instance = instance;
    } catch (error) {
      instance[dispose]();
      throw error;
    }
  }

  #drop() {
    this.#instance?.[dispose]();
    this.#instance = this.#session = undefined;
  }
}
