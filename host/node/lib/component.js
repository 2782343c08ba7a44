// The component: compiled once, instantiated for every session.
//
// Node, Bun, Deno and browsers instantiate core modules only. This does with the
// component's core module what they would do with the component if they could.
// Nothing here knows more about the interface than `interface.js` says.

import { bytes } from './abi.js';
import * as interfaces from './interface.js';

/** `Symbol.dispose`, also where there is none yet. */
export const dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose');

/**
 * An error that the component returned: `payload` is the value of the WIT type
 * that the function's result has, a `misuse` or a `failure`.
 */
export class ComponentError extends Error {
  name = 'ComponentError';

  constructor(payload) {
    super(words(payload));
    this.payload = payload;
  }
}

/**
 * The component has broken down. Its instance is unusable and its memory wiped:
 * drop it, and reset both streams.
 */
export class Trap extends Error {
  name = 'Trap';
}

/**
 * Compiles the component's core module, for any number of instances.
 *
 * @param {Uint8Array | ArrayBuffer | Response | WebAssembly.Module} source or a
 *   promise of it
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compile(source) {
  const code = await source;
  if (code instanceof WebAssembly.Module) {
    return code;
  }
  if (typeof Response === 'function' && code instanceof Response) {
    if (!code.ok) {
      throw new Error(`${code.url}: ${code.status} ${code.statusText}`);
    }
    // Not compileStreaming: many servers send another type than it wants.
    return WebAssembly.compile(await code.arrayBuffer());
  }
  if (!(code instanceof ArrayBuffer)) {
    bytes.check(code, 'source');
  }
  return WebAssembly.compile(code);
}

/**
 * Makes an instance. One is for one session, one pairing or one acceptor.
 *
 * @param {WebAssembly.Module} module
 * @returns {object} the resources' classes, and what drops the instance
 */
export function instantiate(module) {
  const guest = new Guest(module);
  const classes = {};
  // When it is asked for: an instance is for one of them.
  const of = (description) => (classes[description.name] ??= resource(guest, description));
  return {
    get Acceptor() {
      guest.keepsMuch();
      return of(interfaces.acceptor);
    },
    get Session() {
      return of(interfaces.session);
    },
    get Exchange() {
      return of(interfaces.pairing);
    },
    [dispose]: () => guest.end('the instance was disposed of'),
  };
}

/** What a session keeps for itself takes less: its state is a tenth of that. */
const KEPT = 65536;

/** An instance's memory and functions. */
class Guest {
  #exports;
  #memory;
  /** The end of what has been used: see `end`. */
  #used = 0;
  #kept = KEPT;
  /** Why it is unusable. */
  #over;

  constructor(module) {
    const { exports } = new WebAssembly.Instance(module, imports(module));
    this.#exports = exports;
    this.#memory = exports.memory;
    this.#used = exports.__heap_base.value;
  }

  /** Memory at this address, until the next call: then it may have moved. */
  view(at, length) {
    return new DataView(this.#memory.buffer, at, length);
  }

  bytes(at, length) {
    this.#used = Math.max(this.#used, at + length);
    return new Uint8Array(this.#memory.buffer, at, length);
  }

  allocate(length, align) {
    return this.#exports.cabi_realloc(0, 0, align, length) >>> 0;
  }

  /**
   * Calls a function.
   *
   * @param {string} name of the export
   * @param {number[]} handle of the resource, if it has one
   * @param {Array} values that were checked
   */
  call(name, handle, { parameters, result }, values) {
    return this.#guarded(() => {
      const types = Object.values(parameters);
      const lowered = types.flatMap((type, i) => type.lower(this, values[i]));
      const at = this.#exports[name](...handle, ...lowered) >>> 0;
      const value = result.load(this, at);
      this.#exports[`cabi_post_${name}`]?.(at);
      return value;
    });
  }

  drop(name, handle) {
    if (!this.#over) {
      this.#guarded(() => this.#exports[name](handle));
    }
  }

  /** An acceptor keeps something of every key. There are few, so all is wiped. */
  keepsMuch() {
    this.#kept = Infinity;
  }

  /**
   * Wipes the memory; from now on, every call throws.
   *
   * Its stack comes first, and its heap grows upwards. What it keeps there for
   * itself, keys among it, may lie beyond all that came and went, but not far.
   * Further up are pages that it never touched: to wipe them would make the system
   * provide them, and take longer than all the rest of an instance.
   */
  end(reason, cause) {
    if (!this.#over) {
      this.#over = { reason, cause };
      const { buffer } = this.#memory;
      new Uint8Array(buffer, 0, Math.min(this.#used + this.#kept, buffer.byteLength)).fill(0);
      this.#exports = this.#memory = undefined;
    }
  }

  #guarded(work) {
    if (this.#over) {
      const { reason, cause } = this.#over;
      throw cause ? new Trap(reason, { cause }) : new Error(reason);
    }
    try {
      return work();
    } catch (cause) {
      // A trap, or lengths and cases that cannot be: all a broken guest.
      this.end('the component has trapped: its instance is unusable', cause);
      throw new Trap(`the component has trapped: ${cause.message}`, { cause });
    }
  }
}

/** What modules import, which takes longer to find out than to provide. */
const known = new WeakMap();

/** What a module imports: a resource's handle is its representation. */
function imports(module) {
  let provided = known.get(module);
  if (!provided) {
    provided = {};
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      (provided[from] ??= {})[name] = (representation) => representation;
    }
    known.set(module, provided);
  }
  return provided;
}

/** For `Resource` alone: what follows is the handle of a new one. */
const HANDLE = Symbol('handle');

/** The class of a resource in an instance. */
function resource(guest, { name, construct, statics, methods, destructor }) {
  const call = (description, handle, values) => {
    Object.entries(description.parameters).forEach(([parameter, type], i) => {
      type.check(values[i], `${name}: ${parameter}`);
    });
    const value = guest.call(description.export, handle, description, values);
    if (!description.result.fallible) {
      return value;
    }
    if ('err' in value) {
      throw new ComponentError(value.err);
    }
    return value.ok;
  };

  class Resource {
    #handle;

    constructor(...values) {
      if (values[0] === HANDLE) {
        this.#handle = values[1];
      } else if (construct) {
        this.#handle = call(construct, [], values);
      } else {
        throw new TypeError(`${name} has no constructor: use its static functions`);
      }
    }

    [dispose]() {
      const handle = this.#handle;
      this.#handle = undefined;
      if (handle !== undefined) {
        guest.drop(destructor, handle);
      }
    }

    static {
      Object.defineProperty(this, 'name', { value: name });
      for (const [method, description] of Object.entries(methods)) {
        define(this.prototype, method, function (...values) {
          if (this.#handle === undefined) {
            throw new Error(`the ${name} was disposed of`);
          }
          return call(description, [this.#handle], values);
        });
      }
      for (const [method, description] of Object.entries(statics)) {
        define(this, method, (...values) => new this(HANDLE, call(description, [], values)));
      }
    }
  }
  return Resource;
}

function define(object, name, value) {
  Object.defineProperty(object, name, { value, writable: true, configurable: true });
}

/** A WIT value as words: `peer bad-length 0 1025`. */
function words(value) {
  if (typeof value !== 'object' || value === null) {
    return String(value);
  }
  return Object.values(value).filter((one) => one !== undefined).map(words).join(' ');
}
