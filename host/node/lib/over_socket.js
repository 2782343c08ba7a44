// What a stream over a socket has of that socket.

import { Duplex } from 'node:stream';

/** A stream whose other side is a socket: addresses and settings are the socket's. */
export class OverSocket extends Duplex {
  #socket;

  /**
   * @param {object} options those of `Duplex`
   * @param {net.Socket} socket
   */
  constructor(options, socket) {
    super(options);
    this.#socket = socket;
    socket.on('timeout', () => this.emit('timeout'));
  }

  get timeout() {
    return this.#socket.timeout;
  }

  get remoteAddress() {
    return this.#socket.remoteAddress;
  }

  get remotePort() {
    return this.#socket.remotePort;
  }

  get remoteFamily() {
    return this.#socket.remoteFamily;
  }

  get localAddress() {
    return this.#socket.localAddress;
  }

  get localPort() {
    return this.#socket.localPort;
  }

  get localFamily() {
    return this.#socket.localFamily;
  }

  address() {
    return this.#socket.address();
  }

  setNoDelay(noDelay) {
    this.#socket.setNoDelay(noDelay);
    return this;
  }

  setKeepAlive(enable, initialDelay) {
    this.#socket.setKeepAlive(enable, initialDelay);
    return this;
  }

  setTimeout(milliseconds, callback) {
    this.#socket.setTimeout(milliseconds);
    if (callback && milliseconds === 0) {
      this.removeListener('timeout', callback);
    } else if (callback) {
      this.once('timeout', callback);
    }
    return this;
  }

  ref() {
    this.#socket.ref();
    return this;
  }

  unref() {
    this.#socket.unref();
    return this;
  }

  destroySoon() {
    if (this.writable) {
      this.end();
    }
    if (this.writableFinished) {
      this.destroy();
    } else {
      this.once('finish', () => this.destroy());
    }
  }
}
