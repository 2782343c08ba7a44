// Generated from wit/ by generate.mjs.

/// <reference lib="esnext.disposable" />

import type { ComponentError } from './component.js';

/**
 * The end of the wire protocol. Data flows both ways on either side; the
 * two ends of one connection must differ.
 */
export type Side =
  /** The end that opens the encrypted connection: `spiped -e`, `spipe`. */
  | 'client'
  /** The end that accepts it: `spiped -d`. */
  | 'server';

/**
 * The Diffie-Hellman exchange of the handshake. The client chooses; what it
 * sends first tells the server. Nothing is negotiated, so that there is
 * nothing to downgrade.
 */
export type KeyExchange =
  /** RFC 3526 group 14, as in upstream: every spiped understands it. */
  | 'modp2048'
  /**
   * RFC 7748 X25519: a quarter of the computing, always with forward
   * secrecy, and an authenticated end mark for each direction, so that a
   * truncated stream is detected. Between two ends of this implementation
   * only.
   */
  | 'x25519';

/**
 * What this end does about forward secrecy with `modp2048`: whether traffic
 * recorded today stays secret if the pre-shared key leaks tomorrow.
 */
export type ForwardSecrecy =
  /** Do the Diffie-Hellman exchange; accept a peer that omits it. */
  | 'offer'
  /**
   * Do the exchange; refuse a peer whose public value fixes the shared
   * value (0, 1 or p-1). Upstream's `-g`.
   */
  | 'require'
  /** Send the public value 1 and compute nothing. Upstream's `-f`. */
  | 'omit';

/** What a client does. `x25519` always has forward secrecy. */
export type ClientConfig =
  | { tag: 'modp2048'; val: ForwardSecrecy }
  | { tag: 'x25519'; val?: undefined };

/** What a server accepts. `x25519` always has forward secrecy. */
export type ServerConfig =
  /** `modp2048` alone. */
  | { tag: 'modp2048'; val: ForwardSecrecy }
  /** `x25519` alone. */
  | { tag: 'x25519'; val?: undefined }
  /** Whichever of them the client chooses. */
  | { tag: 'any'; val: ForwardSecrecy };

/** A pre-shared key: the SHA-256 of a key file, 32 bytes. Secret. */
export type Psk = Uint8Array;

/**
 * A declared length outside 1 to 1024. With `x25519`, 0 is the end mark and
 * no fault.
 */
export interface BadLength {
  /** The packet's number, from 0. */
  packetNumber: bigint;
  /** The length it declares, in bytes. */
  length: number;
}

/**
 * What the peer, or an active attacker, did wrong. The host closes the
 * connection whatever it is; the cases tell it what to do besides.
 */
export type PeerFault =
  /**
   * The key share's MAC did not verify: the peer has none of our keys, is
   * no spiped at all, or the handshake was corrupted on the way. A server
   * sees this from every stranger: log it, within limits. A client should
   * tell its user; trying again is pointless.
   */
  | { tag: 'wrong-key'; val?: undefined }
  /**
   * A client with one of our keys uses `x25519`, and this server accepts
   * `modp2048` alone: a setting to change on one of the ends.
   */
  | { tag: 'key-exchange-not-accepted'; val?: undefined }
  /**
   * The peer sent our own nonce, or our own public value. Our bytes are being
   * reflected, or both ends have the same randomness, as clones of one
   * virtual machine may: alert.
   */
  | { tag: 'reflected'; val?: undefined }
  /**
   * The peer's public value is not below the group's prime. Only a broken
   * or malicious holder of the key can cause this: alert. Trying again is
   * pointless.
   */
  | { tag: 'public-value-out-of-range'; val?: undefined }
  /**
   * The peer's X25519 public value is of low order: the shared value would
   * be 0 whatever ours is. As bad as the case before.
   */
  | { tag: 'low-order-public-value'; val?: undefined }
  /**
   * The peer omits forward secrecy and we require it: a setting to change
   * on one of the ends. Trying again is pointless.
   */
  | { tag: 'no-forward-secrecy'; val?: undefined }
  /**
   * The MAC of the packet with this number did not verify: the stream was
   * changed, reordered, repeated or truncated on the way. Reset the
   * application's connection, and alert: TCP does not do this by accident.
   * A new connection may work.
   */
  | { tag: 'forged-packet'; val: bigint }
  /**
   * An authenticated packet declares an impossible length. Only a broken or
   * malicious holder of the key can cause this: reset, and alert.
   */
  | { tag: 'bad-length'; val: BadLength }
  /**
   * Bytes came after the end mark (`x25519`): reset, and alert. What came
   * before the mark is authenticated and complete.
   */
  | { tag: 'data-after-end-mark'; val?: undefined }
  /**
   * The crypt side ended before the handshake was complete. From a server,
   * this mostly means that it refused us: a server says nothing to a peer
   * it refuses. From a client, it is a port scan or a time limit.
   */
  | { tag: 'truncated-in-handshake'; val?: undefined }
  /**
   * The crypt side ended inside a packet: reset the application's
   * connection, so that it does not take this for a clean end. A new
   * connection may work. With `modp2048`, an end between two packets is
   * indistinguishable from a clean end: that protocol has no end mark.
   */
  | { tag: 'truncated-in-packet'; val?: undefined }
  /**
   * The crypt side ended between two packets, but without the end mark
   * (`x25519`): the peer died, or an active attacker truncated the stream.
   * As bad as the case before.
   */
  | { tag: 'truncated-before-end-mark'; val?: undefined };

/**
 * What our own host did wrong: a bug there. Nothing was sent or lost that
 * was not sent or lost before.
 */
export type Misuse =
  /** A pre-shared key is not 32 bytes long. */
  | 'psk-length'
  /**
   * The same pre-shared key was given twice: which of them a peer has could
   * not be decided.
   */
  | 'duplicate-psk'
  /** Our nonce is not 32 bytes long. */
  | 'nonce-length'
  /** The entropy does not have the length that the call asks for. */
  | 'entropy-length'
  /**
   * The random bytes are not random: nonce and exponent are equal, or all
   * their bytes are. The host's generator is broken; do not try again with
   * anything else.
   */
  | 'broken-randomness'
  /** The hello is not as long as the acceptor said. */
  | 'hello-length'
  /** `start` was called twice, or another call came before it. */
  | 'start-order'
  /** `compute` was called although the status was not `wants-compute`. */
  | 'nothing-to-compute'
  /**
   * More than 67840 bytes, a batch of packets, came from the crypt side
   * before the value was computed: stop reading while the status is
   * `wants-compute`.
   */
  | 'compute-first'
  /**
   * `handlePlain`, `plainEof` or `suspend` was called before
   * `established`.
   */
  | 'not-established'
  /** More bytes, or a second end, came from a side that has ended. */
  | 'after-eof'
  /** The session was suspended: it goes on elsewhere. */
  | 'suspended'
  /**
   * The state given to `resume` is not one that `suspend` returned, was
   * damaged, or is of a version that this component does not read.
   */
  | 'bad-state';

/**
 * Why a session failed. The first failure is final: every later call
 * returns it again, with no bytes.
 */
export type Failure =
  /** The peer's fault, or that of an active attacker. */
  | { tag: 'peer'; val: PeerFault }
  /** The host's fault. */
  | { tag: 'misuse'; val: Misuse }
  /**
   * 2^64 - 1 packets were sent in one direction: there is no number for the
   * next. Those before it are in the output.
   */
  | { tag: 'exhausted'; val?: undefined };

/** A stranger that has one of our keys. */
export interface AcceptorAuthenticated {
  /** Which, as an index into the keys that the acceptor was given. */
  pskIndex: number;
  /** The key exchange the client has chosen. */
  keyExchange: KeyExchange;
  /**
   * How many of the bytes make up its hello, nonce and key share. Those that
   * follow belong to the session.
   */
  helloLen: number;
}

/**
 * What the bytes so far come to. How they were split over reads changes
 * nothing.
 */
export type AcceptorVerdict =
  /**
   * At least this many more bytes are needed. That depends on how many have
   * come, not on the keys. Only a reflected nonce is refused earlier.
   */
  | { tag: 'more'; val: number }
  /** The stranger has authenticated. */
  | { tag: 'authenticated'; val: AcceptorAuthenticated }
  /** The stranger has none of our keys, or reflects our nonce. */
  | { tag: 'refused'; val: PeerFault };

/**
 * Who is there? For servers: decides what a stranger is, before anything is
 * spent on it.
 *
 * ## Life of a stranger
 *
 * 1. Accept a connection and send 32 fresh random bytes, our nonce. Collect
 *    what the stranger sends.
 * 2. Call `identify` with the nonce and **all** that has come. On `more`, read
 *    on until so many more have come: asking before only repeats the answer,
 *    and the search.
 * 3. On `authenticated`, split what has come at `helloLen`, and make a
 *    `session` from the nonce, the hello, fresh entropy and the one key that
 *    the stranger has. Pass the rest, if any, to its `handleCrypt`.
 * 4. On `refused`, close the connection. Nothing was sent but the nonce.
 * 5. When the stream ends or is reset before a verdict, or the time you give
 *    strangers is over, `faultAtEof` says what to log.
 *
 * An acceptor keeps nothing between calls: one serves any number of strangers,
 * in any order, and one that trapped can be replaced at any time. A stranger
 * costs the host a socket, a timer, and at most the bytes that `identify` asks
 * for.
 *
 * A set of keys, prepared for being searched.
 */
export interface Acceptor {
  /**
   * Who sent this? `ourNonce` is 32 bytes from a cryptographic generator,
   * fresh for every connection; `received` is everything that the stranger
   * has sent.
   *
   * Takes as long whichever of the keys the stranger has, and if it has
   * none: in the world `native` half a microsecond per key or so, where the
   * host's processor helps with SHA-256, in `portable` several.
   *
   * @throws {ComponentError} its `payload` is a {@link Misuse}
   */
  identify(ourNonce: Uint8Array, received: Uint8Array): AcceptorVerdict;

  /**
   * What was wrong with a stranger that stopped here, after `identify` has
   * asked for more. May search the keys once.
   *
   * @throws {ComponentError} its `payload` is a {@link Misuse}
   */
  faultAtEof(ourNonce: Uint8Array, received: Uint8Array): PeerFault;

  /** Ends and wipes it. Later calls throw; a second time does nothing. */
  [Symbol.dispose](): void;
}

/** What makes a {@link Acceptor} in an instance. */
export interface AcceptorClass {
  /**
   * Accepts a stranger that has any of `psks`. Without any, all are refused.
   *
   * @throws {ComponentError} its `payload` is a {@link Misuse}
   */
  new (config: ServerConfig, psks: readonly Psk[]): Acceptor;

  readonly prototype: Acceptor;
}

/** Where a session stands. */
export type SessionStatus =
  /** Waiting for bytes from the crypt side. */
  | { tag: 'handshaking'; val?: undefined }
  /**
   * A public or a shared value is to be computed: call `compute`, and stop
   * reading from the crypt side until that is done.
   */
  | { tag: 'wants-compute'; val?: undefined }
  /** Both directions are open. */
  | { tag: 'established'; val?: undefined }
  /** Over. See `failure`. */
  | { tag: 'failed'; val: Failure };

/**
 * What a call produced. All of it is the host's: write it, in order, whatever
 * the status is.
 */
export interface SessionOutput {
  /**
   * Bytes for the peer. If the status is `failed`, they were made before the
   * failure.
   */
  toCrypt: Uint8Array;
  /**
   * Authenticated bytes for the application. If the status is `failed`, they
   * were authenticated before the failure.
   */
  toPlain: Uint8Array;
  /** Where the session stands after the call. */
  status: SessionStatus;
}

/**
 * One connection: handshake, then packets both ways.
 *
 * ## Life of a connection
 *
 * 1. Make a `session` with `connect`, or on a server with `accept`.
 * 2. Call `start` once and send `toCrypt` to the peer.
 * 3. While the status is `handshaking`, read from the crypt side and pass
 *    what came to `handleCrypt`. While it is `wants-compute`, call `compute`.
 *    After every call send `toCrypt` to the peer.
 * 4. Once the status is `established`, pass bytes from the crypt side to
 *    `handleCrypt` and write `toPlain` to the application; pass bytes from
 *    the application to `handlePlain` and send `toCrypt` to the peer.
 * 5. When a stream ends, call `cryptEof` or `plainEof`, write what comes
 *    out, and half-close the opposite stream. The other direction goes on.
 * 6. On `failed`, send `toCrypt` and write `toPlain`, then reset both
 *    streams: an application that sees a plain end takes what it has for
 *    complete, and on a Unix socket, which knows no reset, it cannot see
 *    anything else. Nothing is sent to tell the peer.
 *
 * ## What is whose
 *
 * Lists are copied into and out of the component: nothing is shared, and the
 * host may reuse or wipe its own as soon as a call returns. What a call
 * returned is the host's to write, in order and completely, before the output
 * of a later call. A session has one key, its packet keys and at most one
 * incomplete message; while a value is to be computed, also what came in the
 * meantime, at most one batch. The host keeps the streams, the clock, the
 * randomness and every limit: on the time of the handshake, on connections, on
 * buffers. A host that reads a side only when all that came from the last read
 * is written needs no buffers at all.
 *
 * Secrets are wiped inside, except for copies that bindings make on the way
 * in and out. Use one instance per connection and give its memory up with
 * the connection: a peer that broke out of its session would find no other
 * connection and no other key.
 *
 * ## Limits
 *
 * No call fails for its size, but for `compute-first`. Batches of 64 packets
 * (65536 bytes from the plain side, 67840 from the crypt side) make calls
 * cheap; longer input only costs memory: about three times its length while
 * the call lasts. The component runs in 1 MiB with such batches. A host may
 * stop a call that takes longer than a second: it has broken down.
 *
 * ## Traps
 *
 * A trap leaves the instance unusable: drop it and reset both streams.
 *
 * One end of one connection.
 *
 * Every call takes its input whole, and none needs to be repeated with
 * nothing. How the peer's bytes are split over calls does not change what
 * comes out. Calls take microseconds, except `compute`.
 */
export interface Session {
  /** Begin: a client's `toCrypt` is its nonce. Call once, first. */
  start(): SessionOutput;

  /**
   * Compute the public or the shared value that is due: a few tenths of a
   * millisecond in the world `native`, about one in `portable`, with
   * `x25519` a quarter of that. Call while the status is `wants-compute`.
   */
  compute(): SessionOutput;

  /**
   * Take bytes that came from the crypt side. Most efficient in batches of
   * whole packets (1060 bytes), up to 64 at a time.
   */
  handleCrypt(bytes: Uint8Array): SessionOutput;

  /**
   * Take bytes that came from the plain side and seal all of them at once:
   * every 1024 bytes, and the rest, become one packet each. Most efficient
   * in batches of 65536 bytes.
   */
  handlePlain(bytes: Uint8Array): SessionOutput;

  /** The crypt side has ended. Fails if that truncates something. */
  cryptEof(): SessionOutput;

  /**
   * The plain side has ended. The other direction stays open. With
   * `x25519`, `toCrypt` is the end mark: send it before the half-close.
   */
  plainEof(): SessionOutput;

  /**
   * Take an established session out of this instance: returns its whole
   * state, at most 1300 bytes. This session is then over, and the host can
   * drop the instance, keep the state, and `resume` when bytes come. So an
   * idle connection costs little, and can move to another process.
   *
   * The state is **secret**: it holds the packet keys. Keep it in memory
   * that is wiped. It is good for **one** `resume`: two sessions from the
   * same state would encrypt different bytes under the same key stream,
   * which reveals them. Versions of this component read the states of the
   * version before.
   *
   * @throws {ComponentError} its `payload` is a {@link Failure}
   */
  suspend(): Uint8Array;

  /**
   * Which key the session was made with: the first 16 bytes of
   * HMAC-SHA-256(psk, "spiped-psk-id-v1"). Survives `suspend` and `resume`;
   * none after the session has failed or was suspended. Keep it to
   * yourself: with it, guesses of a weak key can be checked.
   */
  pskId(): Uint8Array | undefined;

  /** Ends and wipes it. Later calls throw; a second time does nothing. */
  [Symbol.dispose](): void;
}

/** What makes a {@link Session} in an instance. */
export interface SessionClass {
  /**
   * A client's session.
   *
   * `entropy` is 64 bytes from a cryptographic generator: 32 for the
   * nonce, 32 for the exponent. Never use the same bytes twice: a repeated
   * nonce and exponent repeat the session's keys, and with them the key
   * stream, which reveals the plaintext.
   *
   * @throws {ComponentError} its `payload` is a {@link Misuse}
   */
  connect(config: ClientConfig, psk: Psk, entropy: Uint8Array): Session;

  /**
   * A server's session with a client that an `acceptor` has authenticated.
   *
   * `ourNonce` and `hello` are those of the acceptor's verdict, `psk` is the
   * key with its `pskIndex`; `config` is the acceptor's. All of it is
   * checked again: a session cannot be had for a hello that does not
   * authenticate under this key. `entropy` is 32 bytes from a cryptographic
   * generator, for the exponent. Never use the same nonce and entropy twice.
   *
   * Fails for a peer that has the key and still breaks the rules; log whose
   * key it is.
   *
   * @throws {ComponentError} its `payload` is a {@link Failure}
   */
  accept(config: ServerConfig, ourNonce: Uint8Array, hello: Uint8Array, psk: Psk, entropy: Uint8Array): Session;

  /**
   * A session that goes on where a suspended one stopped. Do not call
   * `start`.
   *
   * @throws {ComponentError} its `payload` is a {@link Misuse}
   */
  resume(state: Uint8Array): Session;

  readonly prototype: Session;
}

/**
 * What the peer, or an active attacker, did wrong. Whatever it is, no key
 * was made here.
 */
export type PairingPeerFault =
  /**
   * What came is not this protocol. On a server, a stranger: drop it and
   * wait for another, while the status was `waiting`. On a client, the
   * address is wrong.
   */
  | 'not-pairing'
  /**
   * The other end plays the same side: both connect, through a relay, or our
   * own bytes are reflected.
   */
  | 'same-side'
  /** One end was given a code and the other was not. */
  | 'other-mode'
  /**
   * The client's public value is not the one it had committed itself to.
   * This does not happen by accident: there is an active attacker.
   */
  | 'bad-commitment'
  /**
   * The peer's public value makes the shared value known to everyone, is no
   * value at all, or is our own. This does not happen by accident: there is
   * an active attacker, or both ends have the same randomness.
   */
  | 'bad-public-value'
  /**
   * The peer's confirmation did not verify: the codes differ, or an active
   * attacker tried to guess. Use a new code for the next run.
   */
  | 'wrong-confirmation'
  /** The peer sent more than the protocol has. Not an accident either. */
  | 'surplus'
  /**
   * The stream ended too early. The user of the other host said no or
   * interrupted, a code was wrong there, or the connection broke. An active
   * attacker who has failed looks like that, too.
   */
  | 'truncated';

/** What our own host did wrong: a bug there. */
export type PairingMisuse =
  /**
   * The code has less than 6 characters or more than 1024, not counting
   * spaces and hyphens.
   */
  | 'code-length'
  /** The code has characters that are not printable ASCII. */
  | 'code-characters'
  /** The entropy is not 32 bytes long. */
  | 'entropy-length'
  /** All bytes of the entropy are equal: the host's generator is broken. */
  | 'broken-randomness'
  /** `start` was called twice, or another call came before it. */
  | 'start-order'
  /**
   * `confirm` or `reject` was called although the status was not
   * `comparing`.
   */
  | 'nothing-to-confirm'
  /** `takeKey` was called before `agreed`, or twice. */
  | 'no-key'
  /** Bytes, or a second end, came after the stream's end. */
  | 'after-eof';

/**
 * Why an exchange failed. The first failure is final: every later call
 * returns it again.
 */
export type PairingFailure =
  /** The peer's fault, or that of an active attacker. */
  | { tag: 'peer'; val: PairingPeerFault }
  /** The host's fault. */
  | { tag: 'misuse'; val: PairingMisuse }
  /**
   * The user said that the strings differ: there is an active attacker, or
   * the wrong strings were compared.
   */
  | { tag: 'rejected'; val?: undefined };

/** Where an exchange stands. */
export type PairingStatus =
  /** No complete first message of the peer has come yet. */
  | { tag: 'waiting'; val?: undefined }
  /** The peer speaks this protocol; more of its bytes are needed. */
  | { tag: 'exchanging'; val?: undefined }
  /**
   * The string to compare: twelve decimal digits and two spaces, as in
   * `0123 4567 8901`. Call `confirm` if both ends show the same, else
   * `reject`.
   */
  | { tag: 'comparing'; val: string }
  /** We have confirmed; the peer has not yet. */
  | { tag: 'confirmed'; val?: undefined }
  /** Both have confirmed: the key can be taken. */
  | { tag: 'agreed'; val?: undefined };

/** What a call produced. */
export interface PairingOutput {
  /** Bytes for the peer. */
  toPeer: Uint8Array;
  /** Where the exchange stands after the call. */
  status: PairingStatus;
}

/**
 * Making a key that two hosts share, over an untrusted network.
 *
 * Two ends exchange three short messages and can then derive the same 32
 * random bytes, the content of a new key file. An eavesdropper learns nothing
 * about them. An active attacker, a man in the middle, could make one exchange
 * with each end. One of two things prevents that:
 *
 * - **Comparing**: both ends show a string of twelve digits, and a person who
 *   sees or hears both says whether they are equal. A man in the middle
 *   succeeds with a probability of one in 10^12.
 * - **A code** that was given to both ends beforehand, by voice or by hand:
 *   each run lets an attacker try one code at either end, and a failed run
 *   reveals nothing else. A code is for one run.
 *
 * The protocol and the argument for it are in `docs/pairing.md`.
 *
 * ## Life of a pairing
 *
 * 1. Construct an `exchange` with the side, the code, if there is one, and
 *    fresh random bytes. Call `start` once and send `toPeer` to the peer.
 * 2. While the status is `waiting` or `exchanging`, pass what the peer sends
 *    to `receive`. After every call send `toPeer`.
 * 3. On `comparing`, show the string and ask the user whether the other host
 *    shows the same. Go on reading until there is an answer. Call `confirm`
 *    after a yes and `reject` after a no.
 * 4. While the status is `confirmed`, go on reading.
 * 5. On `agreed`, send `toPeer`, and only then take the key with `takeKey`
 *    and write the key file. The end.
 * 6. When the stream ends, call `eof`. On a failure, close the connection and
 *    keep nothing. A failed call has no bytes: nothing is sent after it.
 *
 * ## What a host has to do
 *
 * - **One peer per run.** A server may drop connections whose status never
 *   became more than `waiting`: no peer that speaks this protocol was there.
 *   As soon as the status is another one, that peer is *the* peer, and every
 *   failure is the end of the run, to be answered by a person. A host that
 *   tries again by itself gives attackers as many guesses as they want.
 * - **A fresh `exchange` with fresh entropy for every connection**, those to
 *   be dropped included.
 * - Limit the time of the whole. A peer that is silent costs nothing else.
 * - Write nothing under the key file's name before `agreed`.
 * - An exchange that ends after `confirm`, or after a client with a code has
 *   answered, and before `agreed`, may have ended differently on the other
 *   host: no protocol can prevent that. Tell the user that the other host may
 *   have written its key file, and that it is to be deleted there. If there
 *   was a code, say that the next run needs a new one, however this one ended:
 *   an attacker in the other host's place may just have tried it.
 *
 * ## What is secret
 *
 * The entropy, the code and the key. The string is not secret, and neither is
 * anything on the wire; but the string must reach the user's eyes unchanged.
 *
 * ## Limits and traps
 *
 * All messages of one end together have less than 120 bytes. Input is taken
 * whole, and how it is split changes nothing. Calls take less than a
 * millisecond. Use one instance for one exchange; a trap leaves it unusable.
 *
 * One end of one pairing.
 */
export interface Exchange {
  /**
   * Begin. A client's first message is in `toPeer`; a server sends nothing
   * before it was spoken to. Call once, first.
   *
   * @throws {ComponentError} its `payload` is a {@link PairingFailure}
   */
  start(): PairingOutput;

  /**
   * Take bytes that came from the peer. Those that come after `agreed` are
   * not looked at.
   *
   * @throws {ComponentError} its `payload` is a {@link PairingFailure}
   */
  receive(bytes: Uint8Array): PairingOutput;

  /**
   * The user says that both ends show the same string.
   *
   * @throws {ComponentError} its `payload` is a {@link PairingFailure}
   */
  confirm(): PairingOutput;

  /**
   * The user says that they do not. The exchange is over.
   *
   * @throws {ComponentError} its `payload` is a {@link PairingFailure}
   */
  reject(): void;

  /**
   * The peer's stream has ended. Fails unless the status is `agreed`.
   *
   * @throws {ComponentError} its `payload` is a {@link PairingFailure}
   */
  eof(): void;

  /**
   * The key file's content, 32 bytes: secret. Once, after `agreed`; it does
   * not stay here.
   *
   * @throws {ComponentError} its `payload` is a {@link PairingFailure}
   */
  takeKey(): Uint8Array;

  /** Ends and wipes it. Later calls throw; a second time does nothing. */
  [Symbol.dispose](): void;
}

/** What makes a {@link Exchange} in an instance. */
export interface ExchangeClass {
  /**
   * The client is the end that opens the connection.
   *
   * With a `code`, both ends need the same one: 6 to 1024 printable ASCII
   * characters. White space at its ends, spaces and hyphens do not count,
   * and capital letters are the same as small ones. A host should refuse
   * codes that are easy to guess. Without a code, the user compares.
   *
   * `entropy` is 32 bytes from a cryptographic generator. Never use the
   * same bytes twice.
   *
   * @throws {ComponentError} its `payload` is a {@link PairingMisuse}
   */
  new (side: Side, code: string | undefined, entropy: Uint8Array): Exchange;

  readonly prototype: Exchange;
}
