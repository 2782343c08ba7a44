// Generated from wit/ by generate.mjs.

import { bytes, enumeration, list, option, own, record, result, string } from './abi.js';
import { u32, u64, variant } from './abi.js';

const side = enumeration(
  'client',
  'server',
);
const keyExchange = enumeration(
  'modp2048',
  'x25519',
);
const forwardSecrecy = enumeration(
  'offer',
  'require',
  'omit',
);
const clientConfig = variant({
  modp2048: forwardSecrecy,
  x25519: null,
});
const serverConfig = variant({
  modp2048: forwardSecrecy,
  x25519: null,
  any: forwardSecrecy,
});
const psk = bytes;
const badLength = record({
  packetNumber: u64,
  length: u32,
});
const peerFault = variant({
  'wrong-key': null,
  'key-exchange-not-accepted': null,
  reflected: null,
  'public-value-out-of-range': null,
  'low-order-public-value': null,
  'no-forward-secrecy': null,
  'forged-packet': u64,
  'bad-length': badLength,
  'data-after-end-mark': null,
  'truncated-in-handshake': null,
  'truncated-in-packet': null,
  'truncated-before-end-mark': null,
});
const misuse = enumeration(
  'psk-length',
  'duplicate-psk',
  'nonce-length',
  'entropy-length',
  'broken-randomness',
  'hello-length',
  'start-order',
  'nothing-to-compute',
  'compute-first',
  'not-established',
  'after-eof',
  'suspended',
  'bad-state',
);
const failure = variant({
  peer: peerFault,
  misuse: misuse,
  exhausted: null,
});
const acceptorAuthenticated = record({
  pskIndex: u32,
  keyExchange: keyExchange,
  helloLen: u32,
});
const acceptorVerdict = variant({
  more: u32,
  authenticated: acceptorAuthenticated,
  refused: peerFault,
});

export const acceptor = {
  name: 'Acceptor',
  construct: {
    export: 'spiped:pipe/acceptor@0.1.0#[constructor]acceptor',
    parameters: { config: serverConfig, psks: list(psk) },
    result: result(own, misuse),
  },
  statics: {
  },
  methods: {
    identify: {
      export: 'spiped:pipe/acceptor@0.1.0#[method]acceptor.identify',
      parameters: { ourNonce: bytes, received: bytes },
      result: result(acceptorVerdict, misuse),
    },
    faultAtEof: {
      export: 'spiped:pipe/acceptor@0.1.0#[method]acceptor.fault-at-eof',
      parameters: { ourNonce: bytes, received: bytes },
      result: result(peerFault, misuse),
    },
  },
  destructor: 'spiped:pipe/acceptor@0.1.0#[dtor]acceptor',
};

const sessionStatus = variant({
  handshaking: null,
  'wants-compute': null,
  established: null,
  failed: failure,
});
const sessionOutput = record({
  toCrypt: bytes,
  toPlain: bytes,
  status: sessionStatus,
});

export const session = {
  name: 'Session',
  statics: {
    connect: {
      export: 'spiped:pipe/session@0.1.0#[static]session.connect',
      parameters: { config: clientConfig, psk: psk, entropy: bytes },
      result: result(own, misuse),
    },
    accept: {
      export: 'spiped:pipe/session@0.1.0#[static]session.accept',
      parameters: { config: serverConfig, ourNonce: bytes, hello: bytes, psk: psk, entropy: bytes },
      result: result(own, failure),
    },
    resume: {
      export: 'spiped:pipe/session@0.1.0#[static]session.resume',
      parameters: { state: bytes },
      result: result(own, misuse),
    },
  },
  methods: {
    start: {
      export: 'spiped:pipe/session@0.1.0#[method]session.start',
      parameters: {},
      result: sessionOutput,
    },
    compute: {
      export: 'spiped:pipe/session@0.1.0#[method]session.compute',
      parameters: {},
      result: sessionOutput,
    },
    handleCrypt: {
      export: 'spiped:pipe/session@0.1.0#[method]session.handle-crypt',
      parameters: { bytes: bytes },
      result: sessionOutput,
    },
    handlePlain: {
      export: 'spiped:pipe/session@0.1.0#[method]session.handle-plain',
      parameters: { bytes: bytes },
      result: sessionOutput,
    },
    cryptEof: {
      export: 'spiped:pipe/session@0.1.0#[method]session.crypt-eof',
      parameters: {},
      result: sessionOutput,
    },
    plainEof: {
      export: 'spiped:pipe/session@0.1.0#[method]session.plain-eof',
      parameters: {},
      result: sessionOutput,
    },
    suspend: {
      export: 'spiped:pipe/session@0.1.0#[method]session.suspend',
      parameters: {},
      result: result(bytes, failure),
    },
    pskId: {
      export: 'spiped:pipe/session@0.1.0#[method]session.psk-id',
      parameters: {},
      result: option(bytes),
    },
  },
  destructor: 'spiped:pipe/session@0.1.0#[dtor]session',
};

const pairingPeerFault = enumeration(
  'not-pairing',
  'same-side',
  'other-mode',
  'bad-commitment',
  'bad-public-value',
  'wrong-confirmation',
  'surplus',
  'truncated',
);
const pairingMisuse = enumeration(
  'code-length',
  'code-characters',
  'entropy-length',
  'broken-randomness',
  'start-order',
  'nothing-to-confirm',
  'no-key',
  'after-eof',
);
const pairingFailure = variant({
  peer: pairingPeerFault,
  misuse: pairingMisuse,
  rejected: null,
});
const pairingStatus = variant({
  waiting: null,
  exchanging: null,
  comparing: string,
  confirmed: null,
  agreed: null,
});
const pairingOutput = record({
  toPeer: bytes,
  status: pairingStatus,
});

export const pairing = {
  name: 'Exchange',
  construct: {
    export: 'spiped:pipe/pairing@0.1.0#[constructor]exchange',
    parameters: { side: side, code: option(string), entropy: bytes },
    result: result(own, pairingMisuse),
  },
  statics: {
  },
  methods: {
    start: {
      export: 'spiped:pipe/pairing@0.1.0#[method]exchange.start',
      parameters: {},
      result: result(pairingOutput, pairingFailure),
    },
    receive: {
      export: 'spiped:pipe/pairing@0.1.0#[method]exchange.receive',
      parameters: { bytes: bytes },
      result: result(pairingOutput, pairingFailure),
    },
    confirm: {
      export: 'spiped:pipe/pairing@0.1.0#[method]exchange.confirm',
      parameters: {},
      result: result(pairingOutput, pairingFailure),
    },
    reject: {
      export: 'spiped:pipe/pairing@0.1.0#[method]exchange.reject',
      parameters: {},
      result: result(null, pairingFailure),
    },
    eof: {
      export: 'spiped:pipe/pairing@0.1.0#[method]exchange.eof',
      parameters: {},
      result: result(null, pairingFailure),
    },
    takeKey: {
      export: 'spiped:pipe/pairing@0.1.0#[method]exchange.take-key',
      parameters: {},
      result: result(bytes, pairingFailure),
    },
  },
  destructor: 'spiped:pipe/pairing@0.1.0#[dtor]exchange',
};
