// What `spiped -d` does.

import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import net from 'node:net';
import { dispose } from './component.js';
import { thrown } from './errors.js';
import { allPsks, config, milliseconds } from './options.js';
import { READING, accept } from './pipe.js';
import { reset } from './reset.js';
import { newInstance } from './sessions.js';
import { Strangers } from './strangers.js';

/** Takes encrypted connections. See `index.d.ts`. */
export class Server extends EventEmitter {
  #options;
  #acceptor;
  #strangers;
  #server;

  constructor(options) {
    super();
    const { handshakeTimeout, maxStrangers = 1000, noDelay = true } = options;
    if (!Number.isInteger(maxStrangers) || maxStrangers < 1) {
      throw new TypeError('maxStrangers must be a positive number');
    }
    this.#options = options;
    this.#acceptor = new OwnAcceptor(config(options, 'any'), allPsks(options));
    const timeLimit = milliseconds(handshakeTimeout, 5000, 'handshakeTimeout');
    this.#strangers = new Strangers(this.#acceptor, maxStrangers, timeLimit);
    const { keepAlive, keepAliveInitialDelay, backlog } = options;
    this.#server = net.createServer({
      allowHalfOpen: true, noDelay, keepAlive, keepAliveInitialDelay, backlog,
      highWaterMark: READING,
    });
    this.#server.on('connection', (socket) => this.#admit(socket));
    for (const event of ['listening', 'close', 'error', 'drop']) {
      this.#server.on(event, (...values) => this.emit(event, ...values));
    }
  }

  /** As that of `net.Server`. */
  listen(...where) {
    this.#server.listen(...where);
    return this;
  }

  /** As that of `net.Server`: calls back when all pipes have ended. */
  close(callback) {
    this.#server.close(callback);
    this.#strangers.end();
    return this;
  }

  get listening() {
    return this.#server.listening;
  }

  address() {
    return this.#server.address();
  }

  ref() {
    this.#server.ref();
    return this;
  }

  unref() {
    this.#server.unref();
    return this;
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await new Promise((resolve) => this.close(resolve));
  }

  #admit(socket) {
    const { remoteAddress, remotePort } = socket;
    const refused = (error) => this.emit('refused', error, { remoteAddress, remotePort });
    const authenticated = (peer) => {
      let pipe;
      try {
        pipe = accept(socket, this.#acceptor.session(peer), peer, this.#options);
      } catch (error) {
        reset(socket.on('error', () => {}));
        refused(thrown(error));
        return;
      }
      pipe.once('error', refused);
      pipe.once('connect', () => {
        pipe.off('error', refused);
        this.emit('connection', pipe);
      });
    };
    this.#strangers.admit(socket, authenticated, refused);
  }
}

/** The component's acceptor, in an instance of its own, which knows all keys. */
class OwnAcceptor {
  #config;
  #psks;
  #instance;
  #resource;

  constructor(settings, psks) {
    this.#config = settings;
    this.#psks = psks;
    this.#make();
  }

  identify(nonce, received) {
    return this.#call('identify', nonce, received);
  }

  faultAtEof(nonce, received) {
    return this.#call('faultAtEof', nonce, received);
  }

  /** What makes the session of a client that has authenticated. */
  session({ nonce, hello, pskIndex }) {
    const psk = this.#psks[pskIndex];
    return (Session) => Session.accept(this.#config, nonce, hello, psk, randomBytes(32));
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
    this.#instance?.[dispose]();
    this.#instance = newInstance();
    this.#resource = new this.#instance.Acceptor(this.#config, this.#psks);
  }
}
