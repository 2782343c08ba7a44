// What goes wrong with a pipe.

import { ComponentError, Trap } from './component.js';

/**
 * A pipe or a stranger has failed. `code` is the name of a WIT case, such as
 * `wrong-key` or `forged-packet`, or `timed-out`, `trapped` or `crowded-out`.
 */
export class PipeError extends Error {
  name = 'PipeError';

  /**
   * @param {string} code
   * @param {{ failure?: object, cause?: unknown }} [more] the WIT failure, if it
   *   is one
   */
  constructor(code, { failure, cause } = {}) {
    super(code + details(failure), { cause });
    this.code = code;
    if (failure) {
      this.failure = failure;
    }
  }
}

/** The error for a WIT `failure`. */
export function failed(failure) {
  const { tag, val } = failure;
  const code = { peer: val?.tag, misuse: val, exhausted: tag }[tag];
  return new PipeError(code, { failure });
}

/** The error for what a call of the component has thrown. */
export function thrown(error) {
  if (error instanceof ComponentError) {
    const { payload } = error;
    return failed(typeof payload === 'string' ? { tag: 'misuse', val: payload } : payload);
  }
  return error instanceof Trap ? new PipeError('trapped', { cause: error }) : error;
}

/** The number of a packet, and the length it declares. */
function details(failure) {
  const detail = failure?.val?.val;
  switch (typeof detail) {
    case 'bigint':
      return ` ${detail}`;
    case 'object':
      return ` ${detail.packetNumber}: ${detail.length}`;
    default:
      return '';
  }
}
