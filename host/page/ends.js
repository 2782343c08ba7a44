// The two ends of a connection: what a host does around a session, without the
// sockets.

/**
 * What became of an end: `handshaking`, `established`, `ended` (both directions
 * are over, cleanly), `failed` (it noticed something, see `fault`), or `reset`
 * (the other end did).
 *
 * @typedef {'handshaking' | 'established' | 'ended' | 'failed' | 'reset'} State
 */

/** An end that has a session. */
export class End {
  /** @type {State} */
  state = 'handshaking';
  /** The peer fault it noticed, as in the WIT: `{ tag, val }`. */
  fault;
  /** Whether the peer's stream has ended, and ours. */
  readEnded = false;
  writeEnded = false;
  /** What the application has sent, and what it has got, text by text. */
  sent = [];
  received = [];

  #session;
  #computing = false;

  constructor(session) {
    this.#session = session;
  }

  /** What a call wants to be sent to the peer. */
  call(name, ...bytes) {
    return this.take(this.#session[name](...bytes));
  }

  /** Computes what is due. */
  settle() {
    const parts = [];
    while (this.#computing) {
      parts.push(this.call('compute'));
    }
    return Uint8Array.from(parts.flatMap((part) => [...part]));
  }

  say(text) {
    this.sent.push(text);
    return this.call('handlePlain', new TextEncoder().encode(text));
  }

  /** The application has no more to say. */
  finish() {
    this.writeEnded = true;
    return this.call('plainEof');
  }

  receive(bytes) {
    return this.call('handleCrypt', bytes);
  }

  /** The peer's stream has ended; `over` if ours has, too, or nobody takes it. */
  eof(over = this.writeEnded) {
    if (!this.readEnded) {
      this.readEnded = true;
      this.call('cryptEof');
    }
    if (this.state === 'established' && over) {
      this.state = 'ended';
    }
  }

  reset() {
    if (this.state !== 'failed') {
      this.state = 'reset';
    }
  }

  fail(fault) {
    this.state = 'failed';
    this.fault = fault;
  }

  take({ toCrypt, toPlain, status }) {
    if (toPlain.length > 0) this.received.push(new TextDecoder().decode(toPlain));
    this.#computing = status.tag === 'wants-compute';
    if (status.tag === 'failed') {
      if (status.val.tag !== 'peer') {
        throw new Error(`this page has called the component wrongly: ${status.val.val}`);
      }
      this.fail(status.val.val);
    } else if (status.tag === 'established' && this.state === 'handshaking') {
      this.state = 'established';
    }
    return toCrypt;
  }

  /** Begins with a session that was not there at first. */
  adopt(session) {
    this.#session = session;
    return this.call('start');
  }
}

/**
 * The server's end. Until its acceptor has authenticated the client it has no
 * session, and nothing but its nonce.
 */
export class Server extends End {
  #stranger = new Uint8Array();
  #identified = false;
  #host;

  /**
   * @param {object} host `acceptor`; `nonce`; and `accept`, which makes a session
   *   from a hello
   */
  constructor(host) {
    super();
    this.#host = host;
  }

  /** Whether it still does not know who is there. */
  get isAlone() {
    return !this.#identified;
  }

  receive(bytes) {
    if (this.#identified) {
      return super.receive(bytes);
    }
    this.#stranger = Uint8Array.of(...this.#stranger, ...bytes);
    const { tag, val } = this.#host.acceptor.identify(this.#host.nonce, this.#stranger);
    if (tag === 'refused') {
      this.fail(val);
    } else if (tag === 'authenticated') {
      this.#identified = true;
      const hello = this.#stranger.subarray(0, val.helloLen);
      return this.adopt(this.#host.accept(hello));
    }
    return new Uint8Array();
  }

  eof(over) {
    if (this.#identified) {
      super.eof(over);
    } else if (this.state !== 'failed') {
      this.readEnded = true;
      this.fail(this.#host.acceptor.faultAtEof(this.#host.nonce, this.#stranger));
    }
  }
}
