// What is told about each step.

/** Who says what to whom, once they are connected, and the step's name. */
export const CONVERSATION = [
  ['client', 'Hello, server. Only you can read this.', 'hello'],
  ['server', 'Hello, client. And nobody can change it.', 'answer'],
  ['client', 'Pay Alice 100,', 'order'],
  ['client', ' but only if Bob agrees.', 'condition'],
  [
    'server',
    `He does. The receipt: ${'All work and no play makes Jack a dull boy. '.repeat(34)}`,
    'receipt',
  ],
];

/** Where the attacker strikes if not told otherwise. The byte is the “1” of “100”. */
export const TARGETS = {
  flip: { kind: 'flip', step: 7, at: 10 },
  cut: { kind: 'cut', step: 8, at: 0 },
};

const PACKET = 1060;

/**
 * What a message of so many bytes is made of.
 *
 * @returns {{ name: string, length: number, kind: string }[]}
 */
export function parts(name, exchange, length) {
  switch (name) {
    case 'clientNonce':
    case 'serverNonce':
      return [{ name: 'random', length, kind: 'random' }];
    case 'clientShare':
    case 'serverShare':
      return [
        { name: 'public value', length: length - 32, kind: 'number' },
        { name: 'MAC', length: 32, kind: 'mac' },
      ];
    default: {
      const content = name.endsWith('Ends') ? 'padding' : 'text and padding';
      return Array.from({ length: length / PACKET }, () => [
        { name: content, length: 1024, kind: 'sealed' },
        { name: 'length', length: 4, kind: 'sealed' },
        { name: 'MAC', length: 32, kind: 'mac' },
      ]).flat();
    }
  }
}

/**
 * The words for an exchange.
 *
 * @param {'modp2048' | 'x25519'} exchange
 * @returns {(name: string, step: object) => { stage: string, title: string, notes: object }}
 */
export function story(exchange) {
  const x25519 = exchange === 'x25519';
  const steps = { ...HANDSHAKE[exchange], ...PACKETS, ...(x25519 ? MARKED_ENDS : BARE_ENDS) };
  return (name, step) => {
    const told = steps[name] ?? INTERRUPTIONS[name](step, x25519);
    const to = step.from === 'client' ? 'server' : 'client';
    const notes = { ...told.notes };
    if (step.bytes?.length > 0 && step.now[to].state === 'failed') {
      notes[to] = REFUSALS[step.now[to].fault.tag];
    } else if (step.cut !== undefined) {
      notes[to] =
        step.cut === 0
          ? 'Gets nothing of it.'
          : `Gets ${count(step.cut)} of it, and waits for the rest.`;
    }
    return { ...told, notes };
  };
}

const count = (bytes) => `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;

const NONCES = {
  clientNonce: {
    stage: 'Nonces',
    title: 'Nonce',
    notes: {
      client: 'Sends 32 random bytes, made for this connection alone.',
      server: 'Mixes them into every key to come. So no two connections have the same keys.',
    },
  },
  serverNonce: {
    stage: 'Nonces',
    title: 'Nonce',
    notes: {
      server: 'Sends its own, without waiting for the client’s.',
      client:
        'Both ends now have both nonces. From these and the key they derive keys for the MACs of the next two messages.',
    },
  },
};

const share = (client, server) => ({
  clientShare: {
    stage: 'Key shares',
    title: 'Key share',
    notes: {
      client,
      server:
        'Checks the MAC before anything else. It verifies, so the client has the key. Only now does a session exist here.',
    },
  },
  serverShare: {
    stage: 'Key shares',
    title: 'Key share',
    notes: {
      server,
      client: 'Checks the MAC. It verifies: the server has the key, too.',
    },
  },
});

const established = (title, client, server) => ({
  established: {
    stage: 'Key shares',
    title,
    notes: {
      client,
      wire: 'It never crosses the network. From it, the nonces and the key come four keys: one to encrypt and one to authenticate, for each direction. Both exponents are wiped, so a key file that leaks tomorrow opens nothing recorded today.',
      server,
    },
  },
});

const HANDSHAKE = {
  modp2048: {
    ...NONCES,
    ...share(
      'Has picked a random exponent x. Sends 2ˣ mod p, a number of 2048 bits, and a MAC that nobody can make without the key.',
      'Picks an exponent y of its own, and sends 2ʸ mod p in the same way.',
    ),
    ...established(
      'The same number on both ends: 2ˣʸ mod p',
      'Raises the server’s number to the power of x.',
      'Raises the client’s number to the power of y.',
    ),
  },
  x25519: {
    ...NONCES,
    ...share(
      'Has picked a random scalar x. Sends x·G, a point on a curve, and a MAC that nobody can make without the key.',
      'Picks a scalar y of its own, and sends y·G in the same way.',
    ),
    ...established(
      'The same point on both ends: xy·G',
      'Multiplies the server’s point by x.',
      'Multiplies the client’s point by y.',
    ),
  },
};

const PACKETS = {
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
  order: {
    stage: 'Packets',
    title: 'Packet 1',
    notes: {
      client: 'From outside, every packet looks the same: 1060 bytes of noise.',
      server: 'Passes on what it has. Is that all? It cannot know yet.',
    },
  },
  condition: {
    stage: 'Packets',
    title: 'Packet 2',
    notes: { client: 'The rest of the sentence.', server: 'Now it makes sense.' },
  },
  receipt: {
    stage: 'Packets',
    title: 'Packets 1 and 2',
    notes: {
      server: 'What does not fit into one packet takes more.',
      client: 'Passes both on, in order.',
    },
  },
};

const BARE_ENDS = {
  clientEnds: {
    stage: 'Two ends',
    title: 'End of stream',
    notes: {
      client: 'Has no more to say, and closes its direction.',
      server:
        'Tells its application. The end is TCP’s: this protocol has no mark for it, so it is the one thing that an attacker can forge.',
    },
  },
  serverEnds: {
    stage: 'Two ends',
    title: 'End of stream',
    notes: { server: 'Closes the other one.', client: 'Tells its application.' },
  },
};

const MARKED_ENDS = {
  clientEnds: {
    stage: 'Two ends',
    title: 'End mark, then end of stream',
    notes: {
      client:
        'Has no more to say. Seals a packet of length 0, the end mark, and closes its direction.',
      server: 'The mark verifies: what has come is all that was sent. Tells its application.',
    },
  },
  serverEnds: {
    stage: 'Two ends',
    title: 'End mark, then end of stream',
    notes: { server: 'Ends the other one in the same way.', client: 'The mark verifies.' },
  },
};

/** Said by the end that notices, at the message in which it does. */
const REFUSALS = {
  'wrong-key': 'Checks the MAC before anything else. It does not verify.',
  'forged-packet':
    'Checks the MAC. It does not verify. Nothing is decrypted, and nothing passed on.',
};

/** What only an attacker brings about. */
const INTERRUPTIONS = {
  cut: ({ now, told }, x25519) => ({
    stage: 'The attacker',
    title: 'The stream ends here, for both',
    notes: {
      client: atCut(now.client, told.client, x25519),
      wire: 'Anyone on the way can forge the end of a TCP connection.',
      server: atCut(now.server, told.server, x25519),
    },
  }),
  refuses: () => ({
    stage: 'The end',
    title: 'End of stream',
    notes: {
      server:
        'Closes the connection without a word. A stranger has cost it a socket and a few hundred bytes, but no session.',
      client: 'Is told nothing, and so cannot know why.',
    },
  }),
  resets: ({ from }) => {
    const noticed = 'Resets the network’s connection and its application’s.';
    const other =
      'Its connection breaks. It resets its application’s, too, so that nobody takes this for the end.';
    return {
      stage: 'The end',
      title: 'Reset',
      notes: { [from]: noticed, [from === 'client' ? 'server' : 'client']: other },
    };
  },
};

function atCut({ state }, told, x25519) {
  if (state === 'failed') {
    return 'Detects it, and resets its application’s connection.';
  }
  if (told === 'before') {
    return x25519 ? 'Had everything already, up to the end mark.' : 'Had been told the end before.';
  }
  return 'Takes it for the end, and tells its application that this was all.';
}
