// Two hosts that make a key, with or without a man in the middle.

import { ComponentError, instantiate } from './spiped-pipe/component.js';

/** What the messages are, in the order in which they are sent. */
const MESSAGES = ['commitment', 'public value', 'public value', 'confirmation', 'confirmation'];

/** One end of one exchange. */
class End {
  /** As in the WIT: `{ tag, val }`. */
  status = { tag: 'waiting' };
  /** The string to compare, from `comparing` on. */
  digits;
  /** Why it failed: `{ tag, val }`. */
  failure;
  key;

  #exchange;

  constructor(module, side, entropy) {
    this.side = side;
    this.#exchange = new (instantiate(module).Exchange)(side, undefined, entropy);
  }

  get isOver() {
    return this.failure !== undefined || this.status.tag === 'agreed';
  }

  /** What a call wants to be sent. A failure is the end of it. */
  call(name, ...bytes) {
    try {
      const { toPeer, status } = this.#exchange[name](...bytes) ?? {};
      this.status = status ?? this.status;
      this.digits ??= status?.val;
      if (status?.tag === 'agreed') this.key = this.#exchange.takeKey();
      return toPeer ?? new Uint8Array();
    } catch (error) {
      if (!(error instanceof ComponentError)) throw error;
      this.failure = error.payload;
      return new Uint8Array();
    }
  }
}

/** Two ends with a connection between them. */
class Link {
  /** What was sent: `{ from, name, length }`. */
  messages = [];

  constructor(client, server) {
    this.ends = { client, server };
    this.#pass('server', server.call('start'));
    this.#pass('client', client.call('start'));
  }

  confirm(side) {
    this.#pass(side, this.ends[side].call('confirm'));
  }

  reject(side) {
    this.ends[side].call('reject');
    this.ends[side].failure ??= { tag: 'rejected' };
    this.#close(side);
  }

  #pass(from, bytes) {
    if (bytes.length === 0) return;
    this.messages.push({ from, name: MESSAGES[this.messages.length], length: bytes.length });
    const to = from === 'client' ? 'server' : 'client';
    const answer = this.ends[to].call('receive', bytes);
    if (this.ends[to].failure) this.#close(to);
    this.#pass(to, answer);
  }

  #close(side) {
    const other = this.ends[side === 'client' ? 'server' : 'client'];
    if (!other.isOver) other.call('eof');
  }
}

/** A pairing of host A, which connects, with host B. */
export class Pair {
  /**
   * @param {WebAssembly.Module} module
   * @param {() => Uint8Array} entropy 32 random bytes at each call
   * @param {boolean} attacked whether there is a man in the middle
   */
  constructor(module, entropy, attacked) {
    const end = (side) => new End(module, side, entropy());
    const [client, server] = [end('client'), end('server')];
    /** One connection, or his with A and his with B. */
    this.links = attacked
      ? [new Link(client, end('server')), new Link(end('client'), server)]
      : [new Link(client, server)];
    this.hosts = { client, server };
    if (attacked) {
      // He agrees to everything.
      this.links[0].confirm('server');
      this.links[1].confirm('client');
    }
  }

  /** A person has compared the strings. */
  answer(side, same) {
    const link = side === 'client' ? this.links[0] : this.links.at(-1);
    same ? link.confirm(side) : link.reject(side);
  }

  /** What came of it, once both hosts are done. */
  get result() {
    const { client, server } = this.hosts;
    if (!client.isOver || !server.isOver) return undefined;
    if (client.key && server.key) {
      return client.key.every((byte, index) => byte === server.key[index]) ? 'same' : 'different';
    }
    return client.key || server.key ? 'one' : 'none';
  }

  /** Forgets the keys. */
  wipe() {
    for (const { ends } of this.links) {
      for (const end of Object.values(ends)) {
        end.key?.fill(0);
      }
    }
  }
}
