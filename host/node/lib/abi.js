// The canonical ABI of WebAssembly components, as far as the interface needs it:
// how values of its types look in the memory and in the parameters of the core
// module. `interface.js` says which types there are.
//
// A type is an object with some of:
//
// - `size`, `align`: of a value in memory
// - `load(guest, at)`: the JavaScript value of the one at that address
// - `check(value, what)`: throws a TypeError if a value is none of this type
// - `flat`: how many parameters a value takes
// - `lower(guest, value)`: these parameters, of a value that was checked
//
// What is lowered is the guest's from then on: it wipes and frees it.

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** What the guest's memory holds makes no sense: it has broken down. */
class Invalid extends Error {}

function integer(size, read) {
  return { size, align: size, load: (guest, at) => read(guest.view(at, size)) };
}

export const u32 = integer(4, (view) => view.getUint32(0, true));
export const u64 = integer(8, (view) => view.getBigUint64(0, true));

/** A resource's handle, which is its representation. */
export const own = u32;

/** The pointer and the length of a list. */
function span(guest, at) {
  const view = guest.view(at, 8);
  return [view.getUint32(0, true), view.getUint32(4, true)];
}

/** `list<u8>`. What was loaded is wiped in the guest's memory, which then frees it. */
export const bytes = {
  size: 8,
  align: 4,
  flat: 2,
  load(guest, at) {
    const inside = guest.bytes(...span(guest, at));
    const outside = inside.slice();
    inside.fill(0);
    return outside;
  },
  check(value, what) {
    if (typedArrayName.call(value) !== 'Uint8Array') {
      throw new TypeError(`${what} must be a Uint8Array, not ${kind(value)}`);
    }
    // Throws a TypeError if the buffer is detached, or shorter by now: the array
    // would pass for an empty one.
    value.at(0);
  },
  lower(guest, value) {
    const { length } = value;
    const at = guest.allocate(length, 1);
    guest.bytes(at, length).set(value);
    return [at, length];
  },
};

export const string = {
  size: 8,
  align: 4,
  flat: 2,
  load: (guest, at) => decoder.decode(guest.bytes(...span(guest, at))),
  check(value, what) {
    if (typeof value !== 'string') {
      throw new TypeError(`${what} must be a string, not ${kind(value)}`);
    }
  },
  lower(guest, value) {
    const encoded = encoder.encode(value);
    const lowered = bytes.lower(guest, encoded);
    encoded.fill(0);
    return lowered;
  },
};

/** A list of a type that takes as much room in parameters as in memory. */
export function list(type) {
  return {
    flat: 2,
    check(value, what) {
      if (!Array.isArray(value)) {
        throw new TypeError(`${what} must be an array, not ${kind(value)}`);
      }
      // Not `forEach`, which leaves holes out.
      for (let i = 0; i < value.length; i++) {
        type.check(value[i], `${what}[${i}]`);
      }
    },
    lower(guest, values) {
      const at = guest.allocate(type.size * values.length, type.align);
      values.forEach((value, i) => {
        const words = type.lower(guest, value);
        // Not before: memory may have grown.
        const view = guest.view(at + i * type.size, type.size);
        words.forEach((word, j) => view.setUint32(4 * j, word, true));
      });
      return [at, values.length];
    },
  };
}

/** Fields in order, by the names they have in JavaScript. */
export function record(fields) {
  let size = 0;
  const places = Object.entries(fields).map(([name, type]) => {
    const offset = aligned(size, type.align);
    size = offset + type.size;
    return { name, type, offset };
  });
  const align = Math.max(...places.map(({ type }) => type.align));
  return {
    size: aligned(size, align),
    align,
    load(guest, at) {
      const value = {};
      for (const { name, type, offset } of places) {
        value[name] = type.load(guest, at + offset);
      }
      return value;
    },
  };
}

/** Cases in order: their names. */
export function enumeration(...cases) {
  return {
    size: 1,
    align: 1,
    flat: 1,
    load: (guest, at) => cases[discriminant(guest, at, cases.length)],
    check: (value, what) => checkCase(value, cases, what),
    lower: (_guest, value) => [cases.indexOf(value)],
  };
}

/** Cases in order, each with the type of its value, or null: `{ tag, val }`. */
export function variant(cases) {
  const tags = Object.keys(cases);
  const types = Object.values(cases);
  const { size, align, load, flat } = alternatives(types);
  return {
    size,
    align,
    flat,
    load(guest, at) {
      const { index, value } = load(guest, at);
      return types[index] ? { tag: tags[index], val: value } : { tag: tags[index] };
    },
    check(value, what) {
      if (typeof value !== 'object' || value === null) {
        throw new TypeError(`${what} must be an object { tag, val }, not ${kind(value)}`);
      }
      const { tag, val } = value;
      checkCase(tag, tags, `${what}.tag`);
      if (cases[tag]) {
        cases[tag].check(val, `${what}.val`);
      } else if (val !== undefined) {
        throw new TypeError(`${what}.val must be left out for ${tag}, not ${kind(val)}`);
      }
    },
    lower(guest, { tag, val }) {
      return padded(tags.indexOf(tag), cases[tag]?.lower(guest, val), flat);
    },
  };
}

/** undefined, or a value. */
export function option(type) {
  const { size, align, load, flat } = alternatives([null, type]);
  return {
    size,
    align,
    flat,
    load: (guest, at) => load(guest, at).value,
    check(value, what) {
      if (value !== undefined) {
        type.check(value, what);
      }
    },
    lower(guest, value) {
      return value === undefined ? padded(0, [], flat) : padded(1, type.lower(guest, value), flat);
    },
  };
}

/** What a function returns: its value or, thrown, its error. Both may be null: no value. */
export function result(ok, err) {
  const { size, align, load } = alternatives([ok, err]);
  return {
    size,
    align,
    fallible: true,
    load(guest, at) {
      const { index, value } = load(guest, at);
      return index === 0 ? { ok: value } : { err: value };
    },
  };
}

/** One of several types, or of null: which, in one byte, and then the value. */
function alternatives(types) {
  const some = types.filter((type) => type !== null);
  const align = Math.max(1, ...some.map((type) => type.align));
  const payload = aligned(1, align);
  return {
    align,
    size: aligned(payload + Math.max(0, ...some.map((type) => type.size)), align),
    flat: 1 + Math.max(0, ...some.map((type) => type.flat ?? 0)),
    load(guest, at) {
      const index = discriminant(guest, at, types.length);
      return { index, value: types[index]?.load(guest, at + payload) };
    },
  };
}

function discriminant(guest, at, count) {
  const index = guest.view(at, 1).getUint8(0);
  if (index >= count) {
    throw new Invalid(`discriminant ${index} of ${count}`);
  }
  return index;
}

/** Cases with smaller values than others fill up with zeros. */
function padded(index, words = [], length) {
  const parameters = [index, ...words];
  while (parameters.length < length) {
    parameters.push(0);
  }
  return parameters;
}

function checkCase(value, cases, what) {
  if (typeof value !== 'string' || !cases.includes(value)) {
    const wanted = cases.map((name) => `'${name}'`).join(', ');
    throw new TypeError(`${what} must be one of ${wanted}, not ${kind(value)}`);
  }
}

function aligned(offset, align) {
  return Math.ceil(offset / align) * align;
}

/** 'Uint8Array' for one of any realm, whatever a class that extends it says. */
const typedArrayName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
).get;

/** A value's type for a message: never the value, which may be secret. */
function kind(value) {
  if (value === null || Array.isArray(value)) {
    return value === null ? 'null' : 'an array';
  }
  return typeof value === 'object' ? `a ${value.constructor?.name ?? 'object'}` : typeof value;
}
