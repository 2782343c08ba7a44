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
 * @param {object} options those of `net.connect`, and:
 * @param {Buffer} [options.key] the content of the key file
 * @param {Buffer} [options.psk] or its SHA-256
 * @param {'modp2048' | 'x25519'} [options.keyExchange] by default the former
 * @param {'offer' | 'require' | 'omit'} [options.forwardSecrecy] with `modp2048`
 * @param {number} [options.timeout] for connecting and the handshake, in milliseconds
 * @returns {Pipe} to be used at once
 */
export function connect(options) {
  const { key, psk = sha256(key), keyExchange = 'modp2048', timeout } = options;
  const { Session } = newInstance();
  const session = Session.connect(config(keyExchange, options), psk, randomBytes(64));
  const socket = net.connect({ noDelay: true, ...options });
  return new Pipe(socket, timeout, async () => ({ session, rest: NOTHING }));
}

/**
 * Does what `spiped -d` does. One acceptor serves any number of sockets: it
 * finds out who is there, and only those who have a key get a session.
 */
export class Acceptor {
  #config;
  #psks;
  #resource;

  /**
   * @param {object} options
   * @param {Buffer} [options.key] the content of the key file
   * @param {Buffer} [options.psk] or its SHA-256
   * @param {Buffer[]} [options.psks] or those of all accepted key files
   * @param {'modp2048' | 'x25519'} [options.keyExchange] by default whichever the
   *   client chooses
   * @param {'offer' | 'require' | 'omit'} [options.forwardSecrecy] with `modp2048`
   */
  constructor({ key, psk, psks, keyExchange = 'any', forwardSecrecy }) {
    this.#config = config(keyExchange, { forwardSecrecy });
    this.#psks = psks ?? [psk ?? sha256(key)];
    this.#make();
  }

  /**
   * Shakes hands on a socket. Connect to no target before `established`: only
   * then has the client authenticated.
   *
   * @param {net.Socket} socket from a `net.Server`
   * @param {object} [options]
   * @param {number} [options.timeout] for the handshake, in milliseconds
   * @returns {Pipe}
   */
  accept(socket, { timeout } = {}) {
    const nonce = randomBytes(32);
    let received = NOTHING;
    const identify = async (chunks, send) => {
      await send(nonce);
      let verdict = this.#call('identify', nonce, received);
      while (verdict.tag === 'more') {
        const wanted = received.length + verdict.val;
        while (received.length < wanted) {
          const { value, done } = await chunks.next();
          if (done) {
            throw fault();
          }
          received = Buffer.concat([received, value]);
        }
        verdict = this.#call('identify', nonce, received);
      }
      if (verdict.tag === 'refused') {
        throw failure({ tag: 'peer', val: verdict.val });
      }
      return this.#session(nonce, received, verdict.val);
    };
    const fault = () => failure({ tag: 'peer', val: this.#call('faultAtEof', nonce, received) });
    return new Pipe(socket, timeout, identify, fault);
  }

  /** The session of a client that has authenticated, and what follows its hello. */
  #session(nonce, received, { pskIndex, keyExchange, helloLen }) {
    const { Session } = newInstance();
    const hello = received.subarray(0, helloLen);
    const psk = this.#psks[pskIndex];
    try {
      const session = Session.accept(this.#config, nonce, hello, psk, randomBytes(32));
      return { session, rest: received.subarray(helloLen), pskIndex, keyExchange };
    } catch (error) {
      throw error.payload ? failure(error.payload) : error;
    }
  }

  #call(method, ...bytes) {
    try {
      return this.#resource[method](...bytes);
    } catch (error) {
      // Over for this stranger alone: nothing was kept for others.
      this.#make();
      throw error;
    }
  }

  #make() {
    const { Acceptor } = newInstance();
    this.#resource = new Acceptor(this.#config, this.#psks);
  }
}

/**
 * The plain side of a connection; the socket is the crypt side. The two
 * directions end independently.
 *
 * Emits `established` after the handshake. On a failure, delivers what was
 * authenticated, then emits `error` and resets the socket. The error's `code`
 * is the name of a WIT case, such as `wrong-key` or `forged-packet`, or
 * `timed-out`, or what the socket says.
 */
export class Pipe extends Duplex {
  #socket;
  #session;
  #client = {};
  #isEstablished = false;
  #opening;
  #timer;
  #wanted;

  /**
   * For `connect` and `Acceptor`.
   *
   * @param {net.Socket} socket
   * @param {number} [timeout] in milliseconds
   * @param {Function} open makes the session, from the chunks that come and a
   *   function that sends; resolves to it, and to the bytes it is given first
   * @param {Function} [reason] the error to emit for one that comes before there
   *   is a session
   */
  constructor(socket, timeout = 5000, open, reason = (error) => error) {
    // Without a buffer of its own, the stream calls `_read` only when all is taken.
    super({ readableHighWaterMark: 0 });
    this.#socket = socket;
    socket.allowHalfOpen = true;
    const end = (error) => {
      try {
        this.destroy(this.#session ? error : reason(error));
      } catch (trap) {
        this.destroy(trap);
      }
    };
    socket.on('error', end);
    this.#timer = setTimeout(() => end(failed('timed-out')), timeout);
    this.#opening = new Promise((resolve, reject) => {
      this.once('established', resolve);
      this.once('close', () => reject(this.errored));
    });
    this.#opening.catch(() => {}); // for those who wait
    this.#run(open).catch((error) => this.destroy(error));
  }

  /** On a server, the index of the key that the client has, once it is known. */
  get pskIndex() {
    return this.#client.pskIndex;
  }

  /** On a server, the key exchange that the client has chosen, once it is known. */
  get keyExchange() {
    return this.#client.keyExchange;
  }

  /** From the crypt side: reads on when the plain side has taken everything. */
  async #run(open) {
    const chunks = this.#socket.iterator({ destroyOnReturn: false });
    const { session, rest, ...client } = await open(chunks, (bytes) => this.#send(bytes));
    this.#session = session;
    this.#client = client;
    await this.#act(session.start());
    if (rest.length > 0) {
      await this.#act(session.handleCrypt(rest));
    }
    for await (const bytes of chunks) {
      await this.#act(session.handleCrypt(bytes));
    }
    await this.#act(session.cryptEof());
    this.push(null);
  }

  /** Does what a call asks for; returns when both sides have taken the bytes. */
  async #act({ toCrypt, toPlain, status }) {
    if (toCrypt.length > 0) {
      await this.#send(toCrypt);
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
    if (status.tag === 'wants-compute') {
      await this.#act(this.#session.compute());
    }
  }

  #send(bytes) {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
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

/** A WIT `client-config` or `server-config`. */
function config(tag, { forwardSecrecy = 'offer' }) {
  return { tag, val: tag === 'x25519' ? undefined : forwardSecrecy };
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest();
}

/** What makes a call cheap and the instance small: 64 packets. */
const BATCH = 65536;
const NOTHING = Buffer.alloc(0);
