import { Pipe } from './pipe.js';

/** Connects to a `spiped -d`. */
export function connect(options, onConnect) {
  const { key: _key, psk: _psk, signal: _signal, timeout, ...target } = options;
  const pipe = new Pipe(options);
  if (timeout !== undefined) {
    pipe.setTimeout(timeout);
  }
  return onConnect ? pipe.connect(target, onConnect) : pipe.connect(target);
}
