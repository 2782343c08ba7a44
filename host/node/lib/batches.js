// What an application has written, in pieces that suit the component.

/** What 64 packets carry: larger ones make no call cheaper. */
const BATCH = 65536;

/**
 * Joins chunks to batches, the last of which may be shorter. Each is valid until
 * the next one is asked for.
 *
 * @param {Uint8Array[]} chunks
 * @param {number} total how long they are together
 */
export function* batches(chunks, total) {
  let joined;
  let length = 0;
  try {
    for (const chunk of chunks) {
      let start = 0;
      while (start < chunk.length) {
        const end = Math.min(chunk.length, start + BATCH - length);
        const part = chunk.subarray(start, end);
        start = end;
        // No need to copy what is a batch by itself.
        if (part.length === BATCH || (length === 0 && chunks.length === 1)) {
          yield part;
          continue;
        }
        joined ??= Buffer.allocUnsafe(Math.min(BATCH, total));
        joined.set(part, length);
        length += part.length;
        if (length === BATCH) {
          yield joined;
          length = 0;
        }
      }
    }
    if (length > 0) {
      yield joined.subarray(0, length);
    }
  } finally {
    joined?.fill(0);
  }
}
