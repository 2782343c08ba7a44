// Those who have connected to a server and have not authenticated.

import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { PipeError, failed, thrown } from './errors.js';

/** How long to read on, and drop it, from one that was refused. */
const DRAIN = 1000;

const NOTHING = Buffer.alloc(0);

/**
 * The strangers of a server. Silence and garbage use up only the room for them, and
 * of that first what their own network has taken.
 */
export class Strangers {
  #acceptor;
  #limit;
  #timeLimit;
  /** In the order they came. */
  #all = new Set();

  /**
   * @param {Acceptor} acceptor
   * @param {number} limit how many there may be
   * @param {number} timeLimit for each, in milliseconds
   */
  constructor(acceptor, limit, timeLimit) {
    this.#acceptor = acceptor;
    this.#limit = limit;
    this.#timeLimit = timeLimit;
  }

  /**
   * @param {net.Socket} socket
   * @param {Function} authenticated is given what a session is made of; what follows
   *   the hello is read from the socket
   * @param {Function} refused is given the error instead
   */
  admit(socket, authenticated, refused) {
    if (this.#all.size >= this.#limit) {
      this.#crowdOut();
    }
    const stranger = new Stranger(socket, this.#acceptor, this.#timeLimit, (error, peer) => {
      if (error) {
        refused(error);
      } else {
        this.#all.delete(stranger);
        authenticated(peer);
      }
    });
    this.#all.add(stranger);
    socket.once('close', () => this.#all.delete(stranger));
  }

  /** Ends all of them. */
  end() {
    this.#all.forEach((stranger) => stranger.drop(new PipeError('closed')));
  }

  /** Makes room: the oldest one goes of the network that has most of them. */
  #crowdOut() {
    const counts = new Map();
    for (const { network } of this.#all) {
      counts.set(network, 1 + (counts.get(network) ?? 0));
    }
    const most = Math.max(...counts.values());
    for (const stranger of this.#all) {
      if (counts.get(stranger.network) === most) {
        this.#all.delete(stranger);
        stranger.drop(new PipeError('crowded-out'));
        return;
      }
    }
  }
}

/** One of them: a socket, a timer, and what has come, no more than answers need. */
class Stranger {
  #socket;
  #acceptor;
  #settled;
  #timer;
  #nonce = randomBytes(32);
  #received = NOTHING;
  #wanted = 0;

  constructor(socket, acceptor, timeLimit, settled) {
    this.#socket = socket;
    this.#acceptor = acceptor;
    this.#settled = settled;
    this.network = network(socket.remoteAddress ?? '');
    if (timeLimit !== Infinity) {
      const late = new PipeError('timed-out');
      this.#timer = setTimeout(() => this.#refuse(this.#fault(late)), timeLimit);
    }
    socket.on('data', this.#receive).on('end', this.#ended).on('error', this.#broken);
    socket.write(this.#nonce);
  }

  /** Ends it at once. */
  drop(error) {
    this.#settle(error);
    this.#socket.destroy();
  }

  #receive = (bytes) => {
    this.#received = Buffer.concat([this.#received, bytes]);
    if (this.#received.length >= this.#wanted) {
      try {
        this.#act(this.#acceptor.identify(this.#nonce, this.#received));
      } catch (error) {
        this.#refuse(thrown(error));
      }
    }
  };

  #ended = () => this.#refuse(this.#fault());

  #broken = (error) => this.drop(this.#fault(error));

  /** What was wrong with one that stopped here: if nothing else, how it did. */
  #fault(how) {
    try {
      const val = this.#acceptor.faultAtEof(this.#nonce, this.#received);
      return how && val.tag === 'truncated-in-handshake' ? how : failed({ tag: 'peer', val });
    } catch (error) {
      return thrown(error);
    }
  }

  #act({ tag, val }) {
    switch (tag) {
      case 'more':
        this.#wanted = this.#received.length + val;
        break;
      case 'refused':
        this.#refuse(failed({ tag: 'peer', val }));
        break;
      default: {
        this.#socket.pause();
        const hello = this.#received.subarray(0, val.helloLen);
        this.#socket.unshift(this.#received.subarray(val.helloLen));
        this.#settle(undefined, { nonce: this.#nonce, hello, ...val });
      }
    }
  }

  /**
   * Hangs up. Nothing was sent but the nonce, so the peer knows what an end means; a
   * reset, which is what it gets if bytes are left unread, might overtake that.
   */
  #refuse(error) {
    this.#settle(error);
    const timer = setTimeout(() => this.#socket.destroy(), DRAIN);
    this.#socket.once('close', () => clearTimeout(timer));
    this.#socket.once('end', () => this.#socket.destroySoon());
    this.#socket.resume().end();
  }

  #settle(error, peer) {
    clearTimeout(this.#timer);
    this.#socket.off('data', this.#receive).off('end', this.#ended).off('error', this.#broken);
    if (error) {
      this.#socket.on('error', () => {});
    }
    const settled = this.#settled;
    this.#settled = () => {};
    settled(error, peer);
  }
}

/** What one owner has addresses of: of IPv6 the first half. */
export function network(address) {
  if (!isIPv6(address) || address.includes('.')) {
    return address;
  }
  const [left, right = ''] = address.split('%')[0].split('::');
  const groups = left.split(':');
  const rest = right.split(':');
  while (address.includes('::') && groups.length + rest.length < 8) {
    groups.push('0');
  }
  return [...groups, ...rest].slice(0, 4).join(':');
}
