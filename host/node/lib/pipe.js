// The plain side of a connection, as a stream that stands in for a socket.

import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { batches } from './batches.js';
import { PipeError, failed, thrown } from './errors.js';
import { config, milliseconds, onePsk } from './options.js';
import { OverSocket } from './over_socket.js';
import { reset } from './reset.js';
import { OwnSession } from './sessions.js';

const NOTHING = Buffer.alloc(0);

/**
 * How sockets read: whatever comes, they stop. While it reads on, libuv takes a reset
 * that comes with the last bytes for an end.
 */
export const READING = 1;

/**
 * For `server.js`: the pipe of a client that has authenticated.
 *
 * @param {net.Socket} socket on which it has
 * @param {Function} make makes the session of an instance's class
 * @param {object} client what is known of it: `pskIndex` and `keyExchange`
 * @param {object} options those of `createServer`
 */
export let accept;
/** For `relay.js`: how long a pipe waits for others, in milliseconds. */
export let timeLimit;

/**
 * A connection. The socket is its crypt side; what is written here is sealed for the
 * peer, and what can be read here has been authenticated. See `index.d.ts`.
 */
export class Pipe extends OverSocket {
  #socket;
  #session;
  /** Of the handshake; then of a failed pipe that nobody reads. */
  #timer;
  #timeLimit;
  #isEstablished = false;
  /** What is to be done when it is: the application has written, or ended. */
  #waiting;
  /** The callback of the write, or the end, that is to be done: called even if it fails. */
  #held;
  /** Why nothing is read from the crypt side now. */
  #isComputing = false;
  #isFull = false;
  #reading;
  #cryptHasEnded = false;
  /** Why it has failed, to be told when what was authenticated is read. */
  #failure;
  #isFlushed = false;
  #resets = false;
  #client = {};
  #bytesRead = 0;
  #bytesWritten = 0;

  /** With `accepted`, for `accept` alone. */
  constructor(options, accepted) {
    const { allowHalfOpen = false, signal, handshakeTimeout, sleepAfter } = options;
    const socket = accepted?.socket ?? clientSocket(options);
    // Without a buffer of its own, the stream calls `_read` only when all is taken:
    // so it is known when to tell a failure.
    const sizes = { readableHighWaterMark: 0, writableHighWaterMark: 65536 };
    super({ allowHalfOpen, signal, ...sizes }, socket);
    this.#timeLimit = milliseconds(handshakeTimeout, 5000, 'handshakeTimeout');
    const sleep = milliseconds(sleepAfter, 1000, 'sleepAfter');
    this.#session = new OwnSession(accepted?.make ?? clientSession(options), sleep);
    this.#attach(socket);
    if (accepted) {
      this.#client = accepted.client;
      // With `omit` it is established at once, and nobody listens yet.
      queueMicrotask(() => this.#begin());
    }
  }

  static {
    accept = (socket, make, client, options) => new this(options, { socket, make, client });
    timeLimit = (pipe) => pipe.#timeLimit;
  }

  /** As that of `net.Socket`; emits `connect` when the handshake is done, too. */
  connect(...target) {
    if (typeof target.at(-1) === 'function') {
      this.once('connect', target.pop());
    }
    this.#socket.once('connect', () => this.#begin());
    this.#startTimer();
    this.#socket.connect(...target);
    return this;
  }

  get pskIndex() {
    return this.#client.pskIndex;
  }

  get keyExchange() {
    return this.#client.keyExchange;
  }

  get isAsleep() {
    return this.#session.isAsleep;
  }

  get connecting() {
    return !this.#isEstablished && !this.destroyed;
  }

  get pending() {
    return !this.#isEstablished;
  }

  get readyState() {
    if (this.connecting) {
      return 'opening';
    }
    const [readable, writable] = [this.readable, this.writable];
    return readable && writable ? 'open' : readable ? 'readOnly' : writable ? 'writeOnly' : 'closed';
  }

  get bytesRead() {
    return this.#bytesRead;
  }

  get bytesWritten() {
    return this.#bytesWritten + this.writableLength;
  }

  resetAndDestroy() {
    this.#resets = true;
    return this.destroy();
  }

  _read() {
    this.#isFull = false;
    this.#flow();
    this.#settle();
  }

  _write(chunk, _encoding, callback) {
    this.#whenEstablished(callback, () => this.#seal([chunk]));
  }

  _writev(writes, callback) {
    const chunks = writes.map(({ chunk }) => chunk);
    this.#whenEstablished(callback, () => this.#seal(chunks));
  }

  _final(callback) {
    this.#whenEstablished(callback, () => {
      // First the end mark: the socket can be reset until it has ended.
      this.#do(this.#call('plainEof'), () => {
        this.#socket.end((error) => error ?? this.#release());
      });
    });
  }

  _destroy(error, callback) {
    clearTimeout(this.#timer);
    this.#session.end();
    this.#waiting = undefined;
    if (this.writableFinished && !error && !this.#resets) {
      this.#socket.destroySoon();
    } else {
      reset(this.#socket);
    }
    callback(error);
    this.#release(error ?? new PipeError('closed'));
  }

  #attach(socket) {
    this.#socket = socket;
    socket.on('readable', () => this.#flow());
    socket.on('end', () => {
      this.#cryptHasEnded = true;
      this.#endInward();
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => {
      if (!this.#cryptHasEnded) {
        this.#fail(new PipeError('closed'));
      }
    });
  }

  /** The socket is connected: shakes hands. */
  #begin() {
    if (this.destroyed) {
      return;
    }
    this.#startTimer();
    this.#do(this.#call('start'));
    // A server's socket was paused. There need not be anything to compute.
    this.#flow();
  }

  #startTimer() {
    if (this.#timeLimit !== Infinity) {
      this.#timer ??= setTimeout(() => this.#fail(new PipeError('timed-out')), this.#timeLimit);
    }
  }

  #receive(bytes) {
    if (!this.#failure && !this.destroyed) {
      this.#do(this.#call('handleCrypt', bytes));
    }
  }

  /** Calls the session. If that breaks down, the pipe fails, and there is no output. */
  #call(method, bytes) {
    try {
      return this.#session.call(method, bytes);
    } catch (error) {
      this.#fail(thrown(error));
      return undefined;
    }
  }

  /** Does what a call asks for, if there was one. Calls `sent` when all is sent. */
  #do(output, sent) {
    if (!output) {
      return;
    }
    const { toCrypt, toPlain, status } = output;
    if (toCrypt.length > 0 || sent) {
      // An error is told by the socket's event.
      this.#socket.write(toCrypt, (error) => error ?? sent?.());
    }
    if (status.tag === 'established' && !this.#isEstablished) {
      this.#establish();
    }
    if (toPlain.length > 0) {
      this.#deliver(toPlain);
    }
    if (status.tag === 'failed') {
      this.#fail(failed(status.val));
    } else if (status.tag === 'wants-compute') {
      this.#compute();
    }
  }

  /** In a turn of its own: it takes milliseconds, and others have something to do. */
  #compute() {
    this.#isComputing = true;
    setImmediate(() => {
      if (this.destroyed || this.#failure) {
        return;
      }
      this.#isComputing = false;
      this.#do(this.#call('compute'));
      this.#flow();
      this.#endInward();
    });
  }

  #establish() {
    this.#isEstablished = true;
    clearTimeout(this.#timer);
    this.#session.allowSleep();
    // As `net` and `tls` do.
    for (const event of ['connect', 'ready', 'secureConnect']) {
      this.emit(event);
    }
    this.#waiting?.();
    this.#waiting = undefined;
  }

  #whenEstablished(callback, act) {
    this.#held = callback;
    if (this.#isEstablished) {
      act();
    } else {
      this.#waiting = act;
    }
  }

  #deliver({ buffer, byteOffset, length }) {
    if (this.destroyed) {
      return;
    }
    this.#bytesRead += length;
    this.#isFull = !this.push(Buffer.from(buffer, byteOffset, length));
  }

  /**
   * Reads the crypt side, or lets it wait.
   *
   * In a turn of its own: the socket has stopped reading by itself then, see `READING`.
   */
  #flow() {
    this.#reading ??= setImmediate(() => {
      this.#reading = undefined;
      if (!this.#isComputing && !this.#isFull && !this.destroyed) {
        const bytes = this.#socket.read();
        if (bytes) {
          this.#receive(bytes);
        }
      }
    });
  }

  /** The crypt side has ended. That may come while a value is to be computed. */
  #endInward() {
    if (!this.#cryptHasEnded || this.#isComputing || this.#failure || this.destroyed) {
      return;
    }
    const output = this.#call('cryptEof');
    this.#do(output);
    if (output && !this.#failure) {
      this.push(null);
    }
  }

  /** Seals and sends one batch after the other, each when the one before is gone. */
  #seal(chunks) {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const remaining = batches(chunks, length);
    const send = ({ value, done }) => {
      if (this.#failure || this.destroyed) {
        remaining.return();
      } else if (done) {
        this.#bytesWritten += length;
        this.#release();
      } else {
        const output = this.#call('handlePlain', value);
        // What it was given is sealed.
        const next = remaining.next();
        this.#do(output, () => {
          if (next.done) {
            send(next);
          } else {
            // Others have something to do, too.
            setImmediate(send, next);
          }
        });
      }
    };
    send(remaining.next());
  }

  /** Tells a write, or the end, that it is done, or what it has come to. */
  #release(error) {
    const callback = this.#held;
    this.#held = undefined;
    callback?.(error);
  }

  /**
   * The pipe is broken. What was authenticated is delivered all the same, and what
   * was sealed is sent, before the application and the peer see a reset.
   */
  #fail(error) {
    if (this.#failure || this.destroyed) {
      return;
    }
    this.#failure = error;
    this.#session.end();
    clearTimeout(this.#timer);
    if (this.#timeLimit !== Infinity) {
      this.#timer = setTimeout(() => this.destroy(error), this.#timeLimit);
    }
    const end = () => {
      this.#isFlushed = true;
      reset(this.#socket);
      this.#settle();
    };
    if (this.#socket.writableLength > 0 && this.#socket.writable) {
      this.#socket.write(NOTHING, end);
    } else {
      end();
    }
  }

  /** Tells the failure when there is nothing left to deliver and to send. */
  #settle() {
    if (this.#failure && this.#isFlushed && this.readableLength === 0) {
      this.destroy(this.#failure);
    }
  }
}

function clientSocket({ noDelay = true, keepAlive, keepAliveInitialDelay }) {
  const options = { noDelay, keepAlive, keepAliveInitialDelay, readableHighWaterMark: READING };
  return new net.Socket({ allowHalfOpen: true, ...options });
}

/** How a client's session is made. */
function clientSession(options) {
  const settings = config(options, 'modp2048');
  const psk = onePsk(options);
  return (Session) => {
    try {
      return Session.connect(settings, psk, randomBytes(64));
    } finally {
      psk.fill(0);
    }
  };
}
