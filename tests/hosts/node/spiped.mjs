// spiped over a socket, as a stream:
//
//   const pipe = connect({ host: 'db1', port: 6390, key: readFileSync('redis.key') });
//   pipe.end('PING\r\n');
//   pipe.pipe(process.stdout);

import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { newInstance } from './component.mjs';

/**
 * Connects to a `spiped -d`.
 *
 * @param {object} options those of `net.connect`, and those of `Pipe`
 * @returns {Pipe} to be used at once
 */
export function connect(options) {
  return new Pipe(net.connect({ noDelay: true, ...options }), 'client', options);
}

/**
 * Does what `spiped -d` does with a socket it has accepted. Connect to no
 * target before `established`: only then has the peer shown that it holds a
 * secret of ours.
 *
 * @param {net.Socket} socket from a `net.Server`
 * @param {object} options those of `Pipe`
 * @returns {Pipe}
 */
export function accept(socket, options) {
  return new Pipe(socket, 'server', options);
}

/**
 * The plain side of a connection; the socket is the crypt side. The two
 * directions end independently.
 *
 * Emits `established` after the handshake. On a failure, delivers what was
 * authentic, then emits `error` and resets the socket. The error's `code` is
 * the name of a WIT case, such as `wrong-key` or `forged-packet`, or
 * `timed-out`, or what the socket says.
 */
export class Pipe extends Duplex {
  #socket;
  #session;
  #isEstablished = false;
  #opening;
  #timer;
  #wanted;

  /**
   * @param {net.Socket} socket
   * @param {'client' | 'server'} side
   * @param {object} options
   * @param {Buffer} [options.key] the content of the key file
   * @param {Buffer} [options.secret] or its SHA-256
   * @param {Buffer[]} [options.secrets] or, on a server, those of all accepted key files
   * @param {'modp2048' | 'x25519'} [options.keyExchange] by default the former; on a
   *   server, whichever the client chooses
   * @param {'offer' | 'require' | 'omit'} [options.forwardSecrecy]
   * @param {number} [options.timeout] for connecting and the handshake, in milliseconds
   */
  constructor(socket, side, options) {
    // Without a buffer of its own, the stream calls `_read` only when all is taken.
    super({ readableHighWaterMark: 0 });
    const { key, secret, secrets, forwardSecrecy = 'offer', timeout = 5000 } = options;
    const { keyExchange = side === 'client' ? 'modp2048' : undefined } = options;
    const config = { side, keyExchange, forwardSecrecy };
    const accepted = secrets ?? [secret ?? sha256(key)];
    const { Session } = newInstance();
    this.#session = new Session(config, accepted, randomBytes(64));
    this.#socket = socket;
    socket.allowHalfOpen = true;
    socket.on('error', (error) => this.destroy(error));
    this.#timer = setTimeout(() => this.destroy(failed('timed-out')), timeout);
    this.#opening = new Promise((resolve, reject) => {
      this.once('established', resolve);
      this.once('close', () => reject(this.errored));
    });
    this.#opening.catch(() => {}); // for those who wait
    this.#run().catch((error) => this.destroy(error));
  }

  /** The index of the secret that the peer holds, once it has shown that. */
  get peerSecret() {
    return this.#session.peerSecret();
  }

  /** The key exchange in use: on a server, once the client has shown it. */
  get keyExchange() {
    return this.#session.keyExchange();
  }

  /** From the crypt side: reads on when the plain side has taken everything. */
  async #run() {
    await this.#act(this.#session.start());
    for await (const bytes of this.#socket.iterator({ destroyOnReturn: false })) {
      await this.#act(this.#session.handleCrypt(bytes));
    }
    await this.#act(this.#session.cryptEof());
    this.push(null);
  }

  /** Does what a call asks for; returns when both sides have taken the bytes. */
  async #act({ toCrypt, toPlain, status }) {
    if (toCrypt.length > 0) {
      await new Promise((resolve, reject) => {
        this.#socket.write(toCrypt, (error) => (error ? reject(error) : resolve()));
      });
    }
    if (status.tag === 'established' && !this.#isEstablished) {
      this.#isEstablished = true;
      clearTimeout(this.#timer);
      this.emit('established');
    }
    if (toPlain.length > 0) {
      const taken = new Promise((resolve) => (this.#wanted = resolve));
      this.push(toPlain);
      await taken;
    }
    if (status.tag === 'failed') {
      throw failure(status.val);
    }
    if (status.tag === 'computing') {
      await this.#act(this.#session.compute());
    }
  }

  async #seal(bytes) {
    await this.#opening;
    for (let start = 0; start < bytes.length; start += BATCH) {
      await this.#act(this.#session.handlePlain(bytes.subarray(start, start + BATCH)));
    }
  }

  async #finish() {
    await this.#opening;
    await this.#act(this.#session.plainEof());
    this.#socket.end();
  }

  _read() {
    this.#wanted?.();
  }

  _write(bytes, _encoding, callback) {
    this.#seal(bytes).then(() => callback(), callback);
  }

  _final(callback) {
    this.#finish().then(() => callback(), callback);
  }

  _destroy(error, callback) {
    clearTimeout(this.#timer);
    if (this.readableEnded && this.writableFinished) {
      this.#socket.destroySoon();
    } else if (this.#socket.remoteAddress) {
      this.#socket.resetAndDestroy();
    } else {
      this.#socket.destroy(); // not connected, or without resets: a Unix socket
    }
    callback(error);
  }
}

/** The error for a WIT `failure`. */
function failure({ tag, val }) {
  switch (tag) {
    case 'peer':
      return failed(val.tag, val.val);
    case 'misuse':
      return failed(val);
    default:
      return failed(tag);
  }
}

function failed(code, detail) {
  const words = { bigint: ` ${detail}`, object: ` ${detail?.packetNumber}: ${detail?.length}` };
  return Object.assign(new Error(code + (words[typeof detail] ?? '')), { code });
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest();
}

/** What makes a call cheap and the instance small: 64 packets. */
const BATCH = 65536;
