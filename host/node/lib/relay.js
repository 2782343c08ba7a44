// A pipe and a plain socket: what `spiped` does between them.

import net from 'node:net';
import { finished } from 'node:stream/promises';
import { PipeError } from './errors.js';
import { READING, timeLimit } from './pipe.js';
import { reset } from './reset.js';

const NOTHING = Buffer.alloc(0);

/** Passes both directions on until both have ended. See `index.d.ts`. */
export async function relay(pipe, target) {
  const socket = target instanceof net.Socket ? target : net.connect({
    noDelay: true, ...target, allowHalfOpen: true, readableHighWaterMark: READING,
  });
  const limit = timeLimit(pipe);
  const both = [pipe, socket];
  both.forEach((stream) => stream.on('error', () => {}));
  try {
    check(pipe, socket);
    giveUpConnecting(socket, limit);
    pipe.pipe(socket);
    pass(socket, pipe);
    await Promise.all(both.map((stream) => finished(stream)));
  } catch (error) {
    // What came before it comes before the reset, too.
    await within(limit, Promise.all(both.map(flushed)));
    pipe.resetAndDestroy();
    reset(socket);
    throw error;
  }
}

/** One that ends with its other end cuts the answer short, and that looks like an end. */
function check(pipe, socket) {
  if (!pipe.allowHalfOpen || !socket.allowHalfOpen) {
    throw new TypeError('the pipe and the socket must be made with allowHalfOpen');
  }
  if (socket.readableHighWaterMark > READING) {
    throw new TypeError(`the socket must be made with readableHighWaterMark: ${READING}`);
  }
}

function giveUpConnecting(socket, limit) {
  if (socket.connecting && limit !== Infinity) {
    const timer = setTimeout(() => socket.destroy(new PipeError('timed-out')), limit);
    ['connect', 'close'].forEach((event) => socket.once(event, () => clearTimeout(timer)));
  }
}

/** Passes on what a socket reads. In a turn of its own: see `READING`. */
function pass(socket, pipe) {
  let turn;
  const go = () => {
    turn ??= setImmediate(() => {
      turn = undefined;
      if (pipe.writable && !pipe.writableNeedDrain) {
        const bytes = socket.read();
        if (bytes) {
          pipe.write(bytes);
        }
      }
    });
  };
  socket.on('readable', go);
  socket.once('end', () => pipe.end());
  pipe.on('drain', go);
}

/** When what was written is with the kernel, or lost. */
function flushed(stream) {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) {
      resolve();
    } else if (stream.writableEnded) {
      stream.once('finish', resolve).once('close', resolve);
    } else {
      stream.write(NOTHING, resolve);
    }
  });
}

async function within(limit, promise) {
  let timer;
  const late = new Promise((resolve) => {
    timer = limit === Infinity ? undefined : setTimeout(resolve, limit);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
