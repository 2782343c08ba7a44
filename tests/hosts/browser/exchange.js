// One connection between two instances of the component, as a list of steps.

import { instantiate } from './gen/spiped.js';

/**
 * Compiles the component's core modules, for any number of instances.
 *
 * @returns {Promise<Map<string, WebAssembly.Module>>}
 */
export async function compile() {
  const names = ['spiped.core.wasm', 'spiped.core2.wasm', 'spiped.core3.wasm'];
  const modules = names.map(async (name) => {
    const response = await fetch(`gen/${name}`);
    if (!response.ok) {
      throw new Error(`gen/${name}: ${response.statusText}`);
    }
    return [name, new WebAssembly.Module(await response.arrayBuffer())];
  });
  return new Map(await Promise.all(modules));
}

/**
 * Connects a client to a server and lets them talk.
 *
 * A step is `{ stage, from, bytes, parts, plain, arrived, status, title, notes }`:
 * which end sends which bytes, what they are made of, the text given to the
 * sender and got from the receiver, and what both ends are then. A step without
 * `from` happens on both ends and sends nothing.
 *
 * @param {Map<string, WebAssembly.Module>} modules
 * @param {Uint8Array} psk 32 bytes, SHA-256 of the key file
 * @param {{ client: Uint8Array, server: Uint8Array }} entropy 64 random bytes each
 * @returns {object[]}
 */
export function exchange(modules, psk, entropy) {
  const steps = [];
  const ends = {
    client: client(modules, psk, entropy.client),
    server: server(modules, psk, entropy.server),
  };

  /** Records that `from` sends `bytes`, and hands them to the other end. */
  const send = (from, bytes, step, onTheWay = (same) => same) => {
    const travelled = onTheWay(bytes.slice());
    const arrived = ends[other(from)].receive(travelled);
    steps.push({ ...step, from, bytes: travelled, arrived, status: states(ends) });
    return arrived;
  };

  const talk = (from, text, step, onTheWay) => {
    const bytes = ends[from].take('handlePlain', encode(text)).toCrypt;
    const parts = Array.from({ length: bytes.length / PACKET }, () => PACKET_PARTS).flat();
    const { toPlain } = send(from, bytes, { ...step, parts, plain: text }, onTheWay);
    steps.at(-1).arrived = decode(toPlain);
  };

  // The bytes of the handshake are sent as they become due; what the receiver
  // answers, and what it has to compute, waits for its own step.
  send('client', ends.client.take('start').toCrypt, STEPS.clientNonce);
  ends.client.take('compute');
  const clientShare = send('server', ends.server.nonce, STEPS.serverNonce).toCrypt;
  send('client', clientShare, STEPS.clientShare);
  const serverShare = ends.server.take('compute').toCrypt;
  send('server', serverShare, STEPS.serverShare);
  ends.server.take('compute');
  ends.client.take('compute');
  steps.push({ ...STEPS.established, status: states(ends) });

  talk('client', 'Hello, server. Only you can read this.', STEPS.hello);
  talk('server', 'Hello, client. And nobody can change it.', STEPS.answer);
  talk('client', LONG, STEPS.long);
  ends.server.take('plainEof');
  ends.client.take('cryptEof');
  steps.push({ ...STEPS.end, from: 'server', bytes: new Uint8Array(), status: states(ends) });
  talk('client', 'Pay Alice 100.', STEPS.forged, flipBit);
  return steps;
}

/** The client's end: its session, and where that stands. */
function client(modules, psk, entropy) {
  const { Session } = newInstance(modules).session;
  return end(Session.connect(MODP2048, psk, entropy));
}

/**
 * The server's end. It has a session only when its acceptor has authenticated
 * the client, and until then nothing but its nonce.
 */
function server(modules, psk, entropy) {
  const [nonce, exponent] = [entropy.subarray(0, 32), entropy.subarray(32)];
  const { Acceptor } = newInstance(modules).acceptor;
  const acceptor = new Acceptor(MODP2048, [psk]);
  let received = new Uint8Array();
  const stranger = {
    nonce,
    status: { tag: 'handshaking' },
    receive(bytes) {
      received = Uint8Array.of(...received, ...bytes);
      const { tag, val } = acceptor.identify(nonce, received);
      if (tag === 'authenticated') {
        const { Session } = newInstance(modules).session;
        const hello = received.subarray(0, val.helloLen);
        Object.assign(stranger, end(Session.accept(MODP2048, nonce, hello, psk, exponent)));
        return stranger.take('start');
      }
      return NOTHING;
    },
  };
  return stranger;
}

/** How an end with a session is called. */
function end(session) {
  return {
    status: undefined,
    take(call, ...bytes) {
      const output = session[call](...bytes);
      this.status = output.status;
      return output;
    },
    receive(bytes) {
      return this.take('handleCrypt', bytes);
    },
  };
}

function newInstance(modules) {
  const instance = (module, imports) => new WebAssembly.Instance(module, imports);
  return instantiate((name) => modules.get(name), {}, instance);
}

function states(ends) {
  // To a newcomer, computing is a part of the handshake.
  const state = ({ tag, val }) => {
    switch (tag) {
      case 'failed':
        return `failed: ${val.val.tag ?? val.val} ${val.val.val ?? ''}`.trim();
      case 'wants-compute':
        return 'handshaking';
      default:
        return tag;
    }
  };
  return { client: state(ends.client.status), server: state(ends.server.status) };
}

function other(side) {
  return side === 'client' ? 'server' : 'client';
}

function flipBit(bytes) {
  bytes[FLIPPED] ^= 1;
  return bytes;
}

const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder().decode(bytes);

const MODP2048 = { tag: 'modp2048', val: 'offer' };
const NOTHING = { toCrypt: new Uint8Array(), toPlain: new Uint8Array() };

/** Where the attacker changes a bit: in the “1” of “100”. */
export const FLIPPED = 10;

const PACKET = 1060;
const PACKET_PARTS = [
  { name: 'text and padding', length: 1024, kind: 'sealed' },
  { name: 'length', length: 4, kind: 'sealed' },
  { name: 'MAC', length: 32, kind: 'mac' },
];
const SHARE_PARTS = [
  { name: 'public value', length: 256, kind: 'number' },
  { name: 'MAC', length: 32, kind: 'mac' },
];
const NONCE_PARTS = [{ name: 'random', length: 32, kind: 'random' }];

const LONG = 'All work and no play makes Jack a dull boy. '.repeat(35).slice(0, 1500);

/** What is told about each step. */
const STEPS = {
  clientNonce: {
    stage: 'Nonces',
    title: 'Nonce',
    parts: NONCE_PARTS,
    notes: {
      client: 'Sends 32 random bytes, made for this connection alone.',
      server: 'Mixes them into every key to come. So no two connections have the same keys.',
    },
  },
  serverNonce: {
    stage: 'Nonces',
    title: 'Nonce',
    parts: NONCE_PARTS,
    notes: {
      server: 'Sends its own, without waiting for the client’s.',
      client:
        'Both ends now know both nonces. From these and the key come two more keys, for the MACs of the next two messages.',
    },
  },
  clientShare: {
    stage: 'Key shares',
    title: 'Key share',
    parts: SHARE_PARTS,
    notes: {
      client:
        'Has picked a random exponent x. Sends 2ˣ mod p, a number of 2048 bits, and a MAC that nobody can make without the key.',
      server:
        'Checks the MAC before anything else. It verifies: the client has the key. If not, the server would hang up without a word.',
    },
  },
  serverShare: {
    stage: 'Key shares',
    title: 'Key share',
    parts: SHARE_PARTS,
    notes: {
      server: 'Only now picks an exponent y of its own, and sends 2ʸ mod p in the same way.',
      client: 'Checks the MAC. It verifies: the server has the key, too.',
    },
  },
  established: {
    stage: 'Key shares',
    title: 'The same number on both ends: 2ˣʸ mod p',
    notes: {
      client: 'Raises the server’s number to the power of x.',
      wire: 'It never crosses the network. From it, the nonces and the key come four keys: one to encrypt and one to authenticate, for each direction. Both exponents are forgotten, so a key file that leaks tomorrow opens nothing recorded today.',
      server: 'Raises the client’s number to the power of y.',
    },
  },
  hello: {
    stage: 'Packets',
    title: 'Packet 0',
    notes: {
      client: 'Pads the text to 1024 bytes, adds its length, encrypts both, adds a MAC.',
      server: 'Checks the MAC, decrypts, passes on.',
    },
  },
  answer: {
    stage: 'Packets',
    title: 'Packet 0',
    notes: {
      server: 'The other direction: its own keys, its own count.',
      client:
        'The count is in the MAC. A packet that is dropped, repeated or moved does not verify, or the next one does not.',
    },
  },
  long: {
    stage: 'Packets',
    title: 'Packets 1 and 2',
    notes: {
      client: 'What does not fit into one packet takes more.',
      server: 'From outside, every packet looks the same: 1060 bytes of noise.',
    },
  },
  end: {
    stage: 'One direction ends',
    title: 'End of stream',
    parts: [],
    notes: {
      server: 'Has no more to say, and closes its direction.',
      client:
        'Goes on sending. The end is TCP’s. The protocol has no mark for it, so it is the one thing that an attacker can forge.',
    },
  },
  forged: {
    stage: 'An active attacker',
    title: 'Packet 3, one bit changed',
    notes: {
      client: 'Sends a packet like the others.',
      server: 'The MAC does not verify. Nothing is passed on, and the connection is reset.',
    },
  },
};
