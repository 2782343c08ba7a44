// One connection between two instances of the component, and an attacker on the
// network between them, as a list of steps.

import { End, Server } from './ends.js';
import { parts, story, CONVERSATION } from './story.js';

/**
 * What the attacker does to the message of step number `step`: `flip` changes a
 * bit of the byte `at`; `cut` lets the bytes before `at` pass, and then both ends
 * see the end of the stream.
 *
 * @typedef {{ kind: 'flip' | 'cut', step: number, at: number }} Attack
 */

/**
 * What happened next. Without `from`, it happens on both ends, and nothing is sent.
 *
 * @typedef {object} Step
 * @property {'client' | 'server'} [from] who sends
 * @property {Uint8Array} [bytes] what an eavesdropper sees, after the attacker's change
 * @property {number} [flipped] the byte that was changed
 * @property {number} [cut] the first byte that does not arrive
 * @property {'fin' | 'rst' | 'cut'} [end] how the stream ends after the bytes
 * @property {{ name: string, length: number, kind: string }[]} parts of the message
 * @property {string} [said] what the sender's application gave it
 * @property {string} [heard] what the receiver's application got
 * @property {{ client: object, server: object }} now what both ends are then: `state`
 *   and `fault`
 * @property {{ client: string, server: string, wire?: string }} notes
 * @property {string} stage
 * @property {string} title
 */

/**
 * Connects a client to a server and lets them talk.
 *
 * @param {object} setting
 * @param {(() => object)[]} setting.instances three, of the component
 * @param {'modp2048' | 'x25519'} setting.exchange
 * @param {{ client: Uint8Array, server: Uint8Array }} setting.psks
 * @param {{ client: Uint8Array, server: Uint8Array }} setting.entropy 64 random bytes each
 * @param {Attack} [setting.attack]
 * @returns {{ steps: Step[], ends: { client: End, server: End } }}
 */
export function converse({ instances, exchange, psks, entropy, attack }) {
  const config = exchange === 'x25519' ? { tag: 'x25519' } : { tag: 'modp2048', val: 'offer' };
  const [forClient, forStrangers, forServer] = instances;
  const nonce = entropy.server.subarray(0, 32);
  const exponent = entropy.server.subarray(32);
  const ends = {
    client: new End(forClient.Session.connect(config, psks.client, entropy.client)),
    server: new Server({
      nonce,
      acceptor: new forStrangers.Acceptor(config, [psks.server]),
      accept: (hello) => forServer.Session.accept(config, nonce, hello, psks.server, exponent),
    }),
  };
  const network = new Network(ends, exchange, attack);
  for (const happens of handshake(ends, network, nonce)) {
    if (!network.isUp) break;
    happens();
  }
  for (const [from, text, step] of CONVERSATION) {
    if (!network.isUp) break;
    network.send(from, ends[from].say(text), step, { said: text });
  }
  for (const from of ['client', 'server']) {
    if (!network.isUp) break;
    network.send(from, ends[from].finish(), `${from}Ends`, { end: 'fin' });
  }
  return { steps: network.steps, ends };
}

/**
 * What is sent is sent as it becomes due; what the receiver answers, and what it
 * has to compute, waits for a step of its own.
 */
function* handshake({ client, server }, network, nonce) {
  let share;
  yield () => {
    network.send('client', client.call('start'), 'clientNonce');
    client.settle();
  };
  yield () => {
    share = network.send('server', nonce, 'serverNonce');
  };
  yield () => network.send('client', share, 'clientShare');
  yield () => network.send('server', server.call('compute'), 'serverShare');
  yield () => {
    client.settle();
    server.settle();
    network.record('established', {});
  };
}

class Network {
  /** @type {Step[]} */
  steps = [];
  isUp = true;

  #ends;
  #story;
  #exchange;
  #attack;

  constructor(ends, exchange, attack) {
    this.#ends = ends;
    this.#exchange = exchange;
    this.#story = story(exchange);
    this.#attack = attack;
  }

  /** Carries bytes to the other end. Returns its answer, which it has yet to send. */
  send(from, bytes, name, { said, end } = {}) {
    const attack = this.#attack?.step === this.steps.length ? this.#attack : undefined;
    const seen = bytes.slice();
    if (attack?.kind === 'flip') {
      seen[attack.at] ^= 1;
    }
    const cut = attack?.kind === 'cut' ? attack.at : undefined;
    const to = this.#ends[from === 'client' ? 'server' : 'client'];
    const before = to.received.length;
    const answer = to.receive(seen.subarray(0, cut));
    if (end && cut === undefined && to.state !== 'failed') {
      to.eof();
      // A direction that ended second leaves nothing open on either end.
      if (to.state === 'ended') this.#ends[from].eof();
    }
    this.record(name, {
      from,
      bytes: seen,
      parts: parts(name, this.#exchange, bytes.length),
      flipped: attack?.kind === 'flip' ? attack.at : undefined,
      cut,
      said,
      end: cut === undefined ? end : undefined,
      heard: to.received.slice(before).join(''),
      original: bytes[attack?.at],
    });
    if (to.state === 'failed') {
      this.#hangUp(from, to);
    } else if (cut !== undefined) {
      this.#cut();
    }
    return answer;
  }

  record(name, step) {
    const now = ({ state, fault }) => ({ state, fault });
    const { client, server } = this.#ends;
    const recorded = { parts: [], ...step, now: { client: now(client), server: now(server) } };
    this.steps.push({ ...recorded, ...this.#story(name, recorded) });
  }

  /** The stream ends for both, wherever it was. */
  #cut() {
    this.isUp = false;
    const told = {};
    for (const [side, end] of Object.entries(this.#ends)) {
      end.settle();
      told[side] = end.readEnded ? 'before' : 'now';
      end.eof(true);
    }
    this.record('cut', { end: 'cut', told });
  }

  /** An end that has failed closes, without a word or with a reset. */
  #hangUp(peer, failed) {
    this.isUp = false;
    const from = peer === 'client' ? 'server' : 'client';
    if (failed.isAlone) {
      this.#ends[peer].eof(true);
      this.record('refuses', { from, bytes: new Uint8Array(), end: 'fin' });
    } else {
      this.#ends[peer].reset();
      this.record('resets', { from, bytes: new Uint8Array(), end: 'rst' });
    }
  }
}
