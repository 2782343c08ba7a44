// Those who have connected to a server and have not authenticated.

import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { PipeError, failed, thrown } from './errors.js';

/** How long to read on, and drop it, from one that was refused. */
const DRAIN = 1000;

/** One that has sent nothing it was asked for in this time gives way to others. */
const QUIET = 1000;

const NOTHING = Buffer.alloc(0);

/**
 * The strangers of a server. Silence and garbage use up only the room for them, and of
 * that no more than half for each network. Those that get on keep their place.
 */
export class Strangers {
  #acceptor;
  #limit;
  #timeLimit;
  /** The quietest first. */
  #all = new Set();
  /** How many each network has. */
  #counts = new Map();

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
    const from = network(socket.remoteAddress ?? '');
    if (!this.#makeRoom(from)) {
      socket.on('error', () => {}).destroy();
      refused(new PipeError('crowded-out'));
      return;
    }
    const settled = (error, peer) => {
      if (error) {
        refused(error);
      } else {
        this.#remove(stranger);
        authenticated(peer);
      }
    };
    const gotOn = () => {
      if (this.#all.delete(stranger)) {
        this.#all.add(stranger);
      }
    };
    const stranger = new Stranger(socket, from, this.#acceptor, this.#timeLimit, settled, gotOn);
    this.#all.add(stranger);
    this.#counts.set(from, this.#count(from) + 1);
    socket.once('close', () => this.#remove(stranger));
  }

  /** Ends all of them. */
  end() {
    this.#all.forEach((stranger) => stranger.drop(new PipeError('closed')));
  }

  /** Whether there is room for one from this network, or can be made. */
  #makeRoom(from) {
    let least;
    if (this.#count(from) >= Math.ceil(this.#limit / 2)) {
      least = this.#count(from);
    } else if (this.#all.size >= this.#limit) {
      least = Math.max(...this.#counts.values());
    } else {
      return true;
    }
    for (const stranger of this.#all) {
      if (this.#count(stranger.network) >= least) {
        if (!stranger.isQuiet) {
          return false;
        }
        this.#remove(stranger);
        stranger.drop(new PipeError('crowded-out'));
        return true;
      }
    }
    return false;
  }

  #count(network) {
    return this.#counts.get(network) ?? 0;
  }

  #remove(stranger) {
    if (this.#all.delete(stranger)) {
      const count = this.#count(stranger.network) - 1;
      if (count > 0) {
        this.#counts.set(stranger.network, count);
      } else {
        this.#counts.delete(stranger.network);
      }
    }
  }
}

/** One of them: a socket, a timer, and what has come, no more than answers need. */
class Stranger {
  #socket;
  #acceptor;
  #settled;
  #gotOn;
  #heard = performance.now();
  #timer;
  #nonce = randomBytes(32);
  #received = NOTHING;
  #wanted = 0;

  constructor(socket, network, acceptor, timeLimit, settled, gotOn) {
    this.#socket = socket;
    this.#acceptor = acceptor;
    this.#settled = settled;
    this.#gotOn = gotOn;
    this.network = network;
    if (timeLimit !== Infinity) {
      const late = new PipeError('timed-out');
      this.#timer = setTimeout(() => this.#refuse(this.#fault(late)), timeLimit);
    }
    socket.on('data', this.#receive).on('end', this.#ended).on('error', this.#broken);
    socket.write(this.#nonce);
  }

  get isQuiet() {
    return performance.now() - this.#heard >= QUIET;
  }

  /** Ends it at once. */
  drop(error) {
    this.#settle(error);
    this.#socket.destroy();
  }

  #receive = (bytes) => {
    this.#received = Buffer.concat([this.#received, bytes]);
    if (this.#received.length >= this.#wanted) {
      this.#heard = performance.now();
      this.#gotOn();
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
