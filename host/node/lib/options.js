// What users say about keys and the handshake, for the component.

import { createHash } from 'node:crypto';
import { bytes } from './abi.js';

/**
 * The pre-shared key of a client: 32 bytes of its own, to be wiped.
 *
 * @param {{ key?: Uint8Array, psk?: Uint8Array }} options the content of the key
 *   file, or its SHA-256
 */
export function onePsk({ key, psk }) {
  if ((key === undefined) === (psk === undefined)) {
    throw new TypeError('one of key and psk must be given');
  }
  return key === undefined ? copy(psk, 'psk') : sha256(key, 'key');
}

/** The pre-shared keys that a server accepts, in the order of `pskIndex`. */
export function allPsks({ key, psk, keys, psks }) {
  const given = [key, psk, keys, psks].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new TypeError('one of key, psk, keys and psks must be given');
  }
  if (keys !== undefined) {
    return list(keys, 'keys').map((one, i) => sha256(one, `keys[${i}]`));
  }
  if (psks !== undefined) {
    return list(psks, 'psks').map((one, i) => copy(one, `psks[${i}]`));
  }
  return [onePsk({ key, psk })];
}

/** A client's or, with `any`, a server's WIT config. The component checks the names. */
export function config({ keyExchange, forwardSecrecy }, byDefault) {
  const tag = keyExchange ?? byDefault;
  if (tag === 'x25519' && forwardSecrecy === 'omit') {
    throw new TypeError('x25519 always has forward secrecy: it cannot be omitted');
  }
  return tag === 'x25519' ? { tag } : { tag, val: forwardSecrecy ?? 'offer' };
}

/** A number of milliseconds that a timer can take. */
export function milliseconds(value, byDefault, what) {
  const time = value ?? byDefault;
  if (typeof time !== 'number' || !(time > 0) || !(time <= 2 ** 31 - 1 || time === Infinity)) {
    throw new TypeError(`${what} must be a time in milliseconds`);
  }
  return time;
}

function sha256(content, what) {
  bytes.check(content, what);
  return createHash('sha256').update(content).digest();
}

function copy(psk, what) {
  bytes.check(psk, what);
  if (psk.length !== 32) {
    throw new RangeError(`${what} must be 32 bytes, the SHA-256 of a key file`);
  }
  return Buffer.from(psk);
}

function list(values, what) {
  if (!Array.isArray(values)) {
    throw new TypeError(`${what} must be an array`);
  }
  return Array.from(values);
}
