// Generated from wit/ by generate.mjs.

/// <reference lib="esnext.disposable" />

import type { ComponentError } from './component.js';

/**
 * An end of the wire protocol. Data flows in both directions on either side.
 * The two ends of a connection must have different sides.
 */
export type Side =
  /** The end that opens the encrypted connection: `spiped -e`, `spipe`. */
  | 'client'
  /** The end that accepts the encrypted connection: `spiped -d`. */
  | 'server';

/**
 * The Diffie-Hellman exchange of the handshake. The client chooses, and its
 * first message tells the server. Nothing is negotiated, so there is nothing
 * to downgrade.
 */
export type KeyExchange =
  /** RFC 3526 group 14, as in Tarsnap's spiped: every spiped supports it. */
  | 'modp2048'
  /**
   * RFC 7748 X25519. It takes a quarter of the computing time, always
   * provides forward secrecy, and adds an authenticated end mark for each
   * direction, so that a truncated stream is detected. Both ends must be
   * this implementation.
   */
  | 'x25519';

/**
 * Forward secrecy with `modp2048`: whether traffic recorded today stays
 * secret if the pre-shared key leaks later.
 */
export type ForwardSecrecy =
  /** Do the Diffie-Hellman exchange; accept a peer that omits it. */
  | 'offer'
  /**
   * Do the exchange; refuse a peer whose public value fixes the shared value
   * (0, 1 or p-1). Tarsnap's `-g`.
   */
  | 'require'
  /**
   * Send the public value 1 and compute nothing: the connection has no
   * forward secrecy. Tarsnap's `-f`.
   */
  | 'omit';

/** What a client offers. `x25519` always provides forward secrecy. */
export type ClientConfig =
  /** Use `modp2048`, with this forward secrecy. */
  | { tag: 'modp2048'; val: ForwardSecrecy }
  /** Use `x25519`. */
  | { tag: 'x25519'; val?: undefined };

/** What a server accepts. `x25519` always provides forward secrecy. */
export type ServerConfig =
  /** Accept only `modp2048`, with this forward secrecy. */
  | { tag: 'modp2048'; val: ForwardSecrecy }
  /** Accept only `x25519`. */
  | { tag: 'x25519'; val?: undefined }
  /**
   * Accept either, as the client chooses; the forward secrecy is that of
   * `modp2048`.
   */
  | { tag: 'any'; val: ForwardSecrecy };

/** A pre-shared key: the SHA-256 of a key file, 32 bytes. Secret. */
export type Psk = Uint8Array;

/**
 * A declared length outside 1 to 1024. With `x25519`, the length 0 is the
 * end mark and not a fault.
 */
export interface BadLength {
  /** The packet's number, counted from 0 in each direction. */
  packetNumber: bigint;
  /** The declared length, in bytes. */
  length: number;
}

/**
 * What the peer or an active attacker did wrong. The host closes the
 * connection in every case; the cases say what else it should do.
 */
export type PeerFault =
  /**
   * The MAC of the key share did not verify: the peer has none of our keys,
   * does not speak this protocol, or the handshake was corrupted in transit.
   * A server sees this from every stranger: limit how much of it is logged.
   * A client should tell its user; retrying is pointless.
   */
  | { tag: 'wrong-key'; val?: undefined }
  /**
   * A client that has one of our keys uses `x25519`, and this server accepts
   * only `modp2048`: change the setting at one of the ends.
   */
  | { tag: 'key-exchange-not-accepted'; val?: undefined }
  /**
   * The peer sent our own nonce or our own public value: our bytes are being
   * reflected, or both ends have the same randomness, as clones of one
   * virtual machine may have. Raise an alert.
   */
  | { tag: 'reflected'; val?: undefined }
  /**
   * The peer's public value is not below the group's prime. Only a broken or
   * malicious holder of the key can cause this: raise an alert. Retrying is
   * pointless.
   */
  | { tag: 'public-value-out-of-range'; val?: undefined }
  /**
   * The peer's X25519 public value has low order: the shared value would be
   * 0, whatever our public value is. Only a broken or malicious holder of
   * the key can cause this: raise an alert. Retrying is pointless.
   */
  | { tag: 'low-order-public-value'; val?: undefined }
  /**
   * The peer omits forward secrecy, and this end requires it: change the
   * setting at one of the ends. Retrying is pointless.
   */
  | { tag: 'no-forward-secrecy'; val?: undefined }
  /**
   * The MAC of the packet with this number did not verify: the stream was
   * modified, reordered, replayed or truncated in transit. Reset the
   * application's connection and raise an alert: TCP does not cause this by
   * accident. A new connection may work.
   */
  | { tag: 'forged-packet'; val: bigint }
  /**
   * An authenticated packet declares an impossible length. Only a broken or
   * malicious holder of the key can cause this: reset the application's
   * connection and raise an alert.
   */
  | { tag: 'bad-length'; val: BadLength }
  /**
   * Bytes followed the end mark (`x25519` only): reset the application's
   * connection and raise an alert. The bytes before the end mark are
   * authenticated and complete.
   */
  | { tag: 'data-after-end-mark'; val?: undefined }
  /**
   * The crypt side ended before the handshake was complete. On a client, the
   * usual reason is that the server refused it: a server sends nothing to a
   * peer that it refuses. On a server, the usual reasons are a port scan and
   * the client's time limit.
   */
  | { tag: 'truncated-in-handshake'; val?: undefined }
  /**
   * The crypt side ended inside a packet. Reset the application's
   * connection, so that it does not take this for a clean end. A new
   * connection may work. With `modp2048`, an end between two packets is
   * indistinguishable from a clean end: that protocol has no end mark.
   */
  | { tag: 'truncated-in-packet'; val?: undefined }
  /**
   * The crypt side ended between two packets, without the end mark (`x25519`
   * only): the peer crashed, or an active attacker truncated the stream.
   * Reset the application's connection. A new connection may work.
   */
  | { tag: 'truncated-before-end-mark'; val?: undefined };

/**
 * What our own host did wrong: a bug in the host. The call had no effect on
 * either stream.
 */
export type Misuse =
  /** A pre-shared key is not 32 bytes long. */
  | 'psk-length'
  /**
   * The same pre-shared key was given twice: the acceptor could not say
   * which of the two a peer has.
   */
  | 'duplicate-psk'
  /** Our nonce is not 32 bytes long. */
  | 'nonce-length'
  /** The entropy does not have the length that the call requires. */
  | 'entropy-length'
  /**
   * The nonce and the exponent are equal (64 equal bytes are such a case):
   * the host's random generator is broken. Do not retry with random bytes
   * from elsewhere.
   */
  | 'broken-randomness'
  /** The hello does not have the length that the acceptor returned. */
  | 'hello-length'
  /** `start` was called twice, or another call came before it. */
  | 'start-order'
  /** `compute` was called while the status was not `wants-compute`. */
  | 'nothing-to-compute'
  /**
   * More than 67840 bytes (64 packets) from the crypt side were passed in
   * before `compute` was called. Stop reading while the status is
   * `wants-compute`.
   */
  | 'compute-first'
  /**
   * `handlePlain`, `plainEof` or `suspend` was called before
   * `established`.
   */
  | 'not-established'
  /** More bytes, or a second end, were passed in from a side that has ended. */
  | 'after-eof'
  /** The session was suspended, so this resource cannot be used any more. */
  | 'suspended'
  /**
   * The state given to `resume` was not returned by `suspend`, was damaged,
   * or has a version that this component does not read.
   */
  | 'bad-state';

/**
 * Why a session failed. The first failure is final: every later call returns
 * it again, with no bytes.
 */
export type Failure =
  /** The peer or an active attacker is at fault. */
  | { tag: 'peer'; val: PeerFault }
  /** Our own host is at fault. */
  | { tag: 'misuse'; val: Misuse }
  /**
   * 2^64 - 1 packets were sent in one direction, and there is no number for
   * the next one. The packets before it are in the output.
   */
  | { tag: 'exhausted'; val?: undefined };

/** A stranger that has one of our keys. */
export interface AcceptorAuthenticated {
  /** The index of its key in the list that the acceptor was constructed with. */
  pskIndex: number;
  /** The key exchange that the client chose. */
  keyExchange: KeyExchange;
  /**
   * How many of the received bytes are the client's hello: its nonce and its
   * key share. The bytes after it belong to the session.
   */
  helloLen: number;
}

/**
 * The result for the bytes received so far. It does not depend on how they
 * were split over reads.
 */
export type AcceptorVerdict =
  /**
   * At least this many more bytes are needed. The number depends on how many
   * bytes have arrived, not on the keys or on what the bytes are. Only a
   * reflected nonce is refused earlier.
   */
  | { tag: 'more'; val: number }
  /** The stranger has authenticated. */
  | { tag: 'authenticated'; val: AcceptorAuthenticated }
  /** The stranger has none of our keys, or reflects our nonce. */
  | { tag: 'refused'; val: PeerFault };

/**
 * For servers: decides whether a stranger has one of our keys, before any
 * resource is spent on it.
 *
 * ## Life of a stranger
 *
 * 1. Accept a connection and send 32 fresh random bytes, our nonce. Collect
 *    the bytes that the stranger sends.
 * 2. Call `identify` with the nonce and **all** bytes received so far. On
 *    `more`, read until that many more bytes have arrived: an earlier call
 *    repeats the answer, and possibly the search.
 * 3. On `authenticated`, split the received bytes at `helloLen`. Make a
 *    `session` from the nonce, the hello, fresh entropy and the one key that
 *    the stranger has. Pass the remaining bytes, if any, to its
 *    `handleCrypt`.
 * 4. On `refused`, close the connection. Only the nonce was sent.
 * 5. If the stream ends or is reset before a verdict, or the time limit for
 *    strangers expires, `faultAtEof` returns the fault to log.
 *
 * An acceptor keeps no state between calls. One acceptor serves any number of
 * strangers in any order, and one that trapped can be replaced at any time. A
 * stranger costs the host a socket, a timer, and at most as many bytes as
 * `identify` asks for: 320.
 *
 * A set of keys, prepared for searching.
 */
export interface Acceptor {
  /**
   * Looks up which key the stranger has. `ourNonce` is 32 bytes from a
   * cryptographic random generator, fresh for every connection. `received`
   * is everything that the stranger has sent.
   *
   * The time does not depend on which key the stranger has, or whether it
   * has any. A search takes about half a microsecond per key in the world
   * `native` if the host's processor has instructions for SHA-256, and
   * several microseconds per key in `portable`.
   *
   * @throws {ComponentError} its `payload` is a {@link Misuse}
   */
  identify(ourNonce: Uint8Array, received: Uint8Array): AcceptorVerdict;

  /**
   * The fault of a stranger that sent nothing more after `identify` returned
   * `more`. May search the keys once.
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
   * An acceptor for strangers that have any of `psks`. If the list is empty,
   * every stranger is refused.
   *
   * @throws {ComponentError} its `payload` is a {@link Misuse}
   */
  new (config: ServerConfig, psks: readonly Psk[]): Acceptor;

  readonly prototype: Acceptor;
}

/** The state of a session. */
export type SessionStatus =
  /** Waiting for bytes from the crypt side. */
  | { tag: 'handshaking'; val?: undefined }
  /**
   * A public value or a shared value has to be computed: call `compute`, and
   * do not read from the crypt side before that.
   */
  | { tag: 'wants-compute'; val?: undefined }
  /** The handshake is complete: both directions carry data. */
  | { tag: 'established'; val?: undefined }
  /** The session is over. */
  | { tag: 'failed'; val: Failure };

/** The result of a call. Write both lists, in order, whatever the status is. */
export interface SessionOutput {
  /**
   * Bytes to send to the peer. May be non-empty even if the status is
   * `failed`: these bytes were produced before the failure.
   */
  toCrypt: Uint8Array;
  /**
   * Authenticated bytes for the application. May be non-empty even if the
   * status is `failed`: these bytes were authenticated before the failure.
   */
  toPlain: Uint8Array;
  /** The state of the session after the call. */
  status: SessionStatus;
}

/**
 * One connection: the handshake, then packets in both directions.
 *
 * ## Life of a connection
 *
 * 1. Make a `session` with `connect`, or on a server with `accept`.
 * 2. Call `start` once and send `toCrypt` to the peer.
 * 3. While the status is `handshaking`, read from the crypt side and pass the
 *    bytes to `handleCrypt`. While the status is `wants-compute`, call
 *    `compute`. Send `toCrypt` to the peer after every call.
 * 4. Once the status is `established`, pass bytes from the crypt side to
 *    `handleCrypt` and write `toPlain` to the application; pass bytes from
 *    the application to `handlePlain` and send `toCrypt` to the peer.
 * 5. When a stream ends, call `cryptEof` or `plainEof`, write the output,
 *    and half-close the opposite stream. The other direction continues.
 * 6. On `failed`, send `toCrypt` and write `toPlain`, then reset both
 *    streams: an application that sees a clean end believes that its data is
 *    complete. On a Unix socket there is no reset, so the application cannot
 *    see the difference. The peer is sent nothing about the failure.
 *
 * ## Who owns what
 *
 * Lists are copied into and out of the component: nothing is shared, and the
 * host may reuse or wipe its own as soon as a call returns. The host must
 * write the output of each call completely and in order before that of a later
 * call. A session holds one key, its packet keys, at most one incomplete
 * message, and, while the status is `wants-compute`, at most 67840 bytes that
 * arrived in that time. The host owns the streams, the clock, the randomness
 * and every limit: the time for a handshake, the number of connections, the
 * size of buffers. A host that reads from a side only after it has written all
 * output of the last read needs no buffers.
 *
 * The component wipes its secrets, except for copies that bindings make on the
 * way in and out. Use one instance per connection, and discard its memory with
 * the connection: a peer that breaks out of its session then finds no other
 * connection and no other key.
 *
 * ## Limits
 *
 * No call fails because of its size, except with `compute-first`. Batches of
 * 64 packets (65536 bytes from the plain side, 67840 from the crypt side) are
 * the most efficient. Longer input needs memory: about three times its length
 * for the duration of the call. With such batches, the component runs in 1 MiB
 * of memory. A host may stop a call that takes longer than a second: something
 * is broken.
 *
 * ## Traps
 *
 * A trap leaves the instance unusable: discard it and reset both streams.
 *
 * One end of one connection.
 *
 * Each call consumes all of its input and never has to be repeated with
 * empty input. How the peer's bytes are split over calls does not change the
 * output. Calls take microseconds, except `compute`.
 */
export interface Session {
  /**
   * Begins the handshake: call it once, before any other method. `toCrypt`
   * is a client's nonce, or a server's key share if it omits forward
   * secrecy.
   */
  start(): SessionOutput;

  /**
   * Computes the public value or the shared value that is due. Takes a few
   * tenths of a millisecond in the world `native` and about one millisecond
   * in `portable`; a quarter of that with `x25519`. Call it while the status
   * is `wants-compute`.
   */
  compute(): SessionOutput;

  /**
   * Consumes bytes from the crypt side. Most efficient with whole packets
   * (1060 bytes), up to 64 at a time.
   */
  handleCrypt(bytes: Uint8Array): SessionOutput;

  /**
   * Consumes bytes from the plain side and seals all of them: every 1024
   * bytes become one packet, and so does the remainder. Most efficient with
   * 65536 bytes at a time.
   */
  handlePlain(bytes: Uint8Array): SessionOutput;

  /** The crypt side has ended. Fails if the stream was truncated. */
  cryptEof(): SessionOutput;

  /**
   * The plain side has ended. The other direction stays open. With `x25519`,
   * `toCrypt` is the end mark: send it before the half-close.
   */
  plainEof(): SessionOutput;

  /**
   * Moves an established session out of this instance: returns its complete
   * state, at most 1300 bytes, and ends this session. The host can discard
   * the instance, keep the state, and call `resume` when bytes arrive. An
   * idle connection then needs little memory, and can move to another
   * process.
   *
   * The state is **secret**: it contains the packet keys. Keep it in memory
   * that is wiped. Use it for **one** `resume` only: two sessions from the
   * same state would encrypt different bytes under the same key stream,
   * which reveals them. A component also reads the states of the version
   * before it.
   *
   * @throws {ComponentError} its `payload` is a {@link Failure}
   */
  suspend(): Uint8Array;

  /**
   * Identifies the key that the session was made with: the first 16 bytes of
   * HMAC-SHA-256(psk, "spiped-psk-id-v1"). Preserved by `suspend` and
   * `resume`. Returns none after the session has failed or was suspended.
   * Keep it secret: it allows guesses of a weak key to be tested offline.
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
   * `entropy` is 64 bytes from a cryptographic random generator: 32 for the
   * nonce and 32 for the exponent. Never use the same bytes twice: a
   * repeated nonce and exponent repeat the session keys, and with them the
   * key stream, which reveals the plaintext.
   *
   * @throws {ComponentError} its `payload` is a {@link Misuse}
   */
  connect(config: ClientConfig, psk: Psk, entropy: Uint8Array): Session;

  /**
   * A server's session with a client that an `acceptor` has authenticated.
   *
   * `config` is the acceptor's. `ourNonce` and `hello` are those for which
   * it returned `authenticated`, and `psk` is the key with that `pskIndex`.
   * All of this is verified again: no session results from a hello that does
   * not authenticate under this key. `entropy` is 32 bytes from a
   * cryptographic random generator, for the exponent. Never use the same
   * nonce and entropy twice.
   *
   * Fails if a peer that has the key violates the protocol: log the name of
   * the key.
   *
   * @throws {ComponentError} its `payload` is a {@link Failure}
   */
  accept(config: ServerConfig, ourNonce: Uint8Array, hello: Uint8Array, psk: Psk, entropy: Uint8Array): Session;

  /**
   * A session that continues where a suspended one stopped. Do not call
   * `start`.
   *
   * @throws {ComponentError} its `payload` is a {@link Misuse}
   */
  resume(state: Uint8Array): Session;

  readonly prototype: Session;
}

/**
 * What the peer or an active attacker did wrong. In every case, this end has
 * made no key.
 */
export type PairingPeerFault =
  /**
   * The bytes received are not this protocol. On a server whose status was
   * `waiting`: drop this connection and wait for another. On a client: the
   * address is wrong.
   */
  | 'not-pairing'
  /**
   * The peer has the same side as this end: both ends connect to each other
   * through a relay, or our own bytes are reflected.
   */
  | 'same-side'
  /** One end was given a code and the other was not. */
  | 'other-mode'
  /**
   * The client's public value does not match its commitment. This does not
   * happen by accident: there is an active attacker.
   */
  | 'bad-commitment'
  /**
   * The peer's public value is our own, has low order (anyone could compute
   * the shared value), or does not encode a group element. This does not
   * happen by accident: there is an active attacker, or both ends used the
   * same randomness.
   */
  | 'bad-public-value'
  /**
   * The peer's confirmation did not verify: the codes differ, or an active
   * attacker tried to guess the code. Use a new code for the next run.
   */
  | 'wrong-confirmation'
  /**
   * The peer sent more bytes than the protocol has. This does not happen by
   * accident either.
   */
  | 'surplus'
  /**
   * The stream ended too early. The user of the other host rejected the
   * string or interrupted, the code was wrong there, or the connection
   * broke. A failed active attack is indistinguishable from these.
   */
  | 'truncated';

/** What our own host did wrong: a bug in the host. */
export type PairingMisuse =
  /**
   * The code has fewer than 6 or more than 1024 characters, not counting
   * spaces and hyphens.
   */
  | 'code-length'
  /** The code contains characters other than printable ASCII. */
  | 'code-characters'
  /** The entropy is not 32 bytes long. */
  | 'entropy-length'
  /**
   * All bytes of the entropy are equal: the host's random generator is
   * broken.
   */
  | 'broken-randomness'
  /** `start` was called twice, or another call came before it. */
  | 'start-order'
  /** `confirm` or `reject` was called while the status was not `comparing`. */
  | 'nothing-to-confirm'
  /** `takeKey` was called before `agreed`, or twice. */
  | 'no-key'
  /** `receive` or `eof` was called after `eof`. */
  | 'after-eof';

/**
 * Why an exchange failed. The first failure is final: every later call
 * returns it again.
 */
export type PairingFailure =
  /** The peer or an active attacker is at fault. */
  | { tag: 'peer'; val: PairingPeerFault }
  /** Our own host is at fault. */
  | { tag: 'misuse'; val: PairingMisuse }
  /**
   * The user reported that the strings differ: there is an active attacker,
   * or the user compared the wrong strings.
   */
  | { tag: 'rejected'; val?: undefined };

/** The progress of an exchange. */
export type PairingStatus =
  /** The peer's first message is not complete yet. */
  | { tag: 'waiting'; val?: undefined }
  /** The peer speaks this protocol; more of its bytes are needed. */
  | { tag: 'exchanging'; val?: undefined }
  /**
   * The string to compare: twelve decimal digits and two spaces, as in
   * `0123 4567 8901`. Call `confirm` if both ends show the same string,
   * otherwise `reject`.
   */
  | { tag: 'comparing'; val: string }
  /** This end has confirmed; the peer has not confirmed yet. */
  | { tag: 'confirmed'; val?: undefined }
  /** Both ends have confirmed: the key can be taken. */
  | { tag: 'agreed'; val?: undefined };

/** The result of a call that succeeded. */
export interface PairingOutput {
  /** Bytes to send to the peer. May be empty. */
  toPeer: Uint8Array;
  /** The progress of the exchange after the call. */
  status: PairingStatus;
}

/**
 * Agreement on a new key between two hosts over an untrusted network.
 *
 * Two ends exchange three short messages and then derive the same 32 random
 * bytes: the content of a new key file. An eavesdropper learns nothing about
 * these bytes. A man in the middle could run one exchange with each end. One
 * of two methods prevents that:
 *
 * - **Comparing**: both ends show a string of twelve digits, and a person who
 *   sees or hears both checks that they are equal. A man in the middle
 *   succeeds with probability 10^-12.
 * - **A code** that both ends were given beforehand, by voice or by hand. In
 *   each run an attacker can try one code at either end; a failed run reveals
 *   nothing else. Use a code for one run only.
 *
 * `docs/pairing.md` specifies the protocol and argues for its security.
 *
 * ## Life of a pairing
 *
 * 1. Construct an `exchange` from the side, the code (if there is one) and
 *    fresh random bytes. Call `start` once and send `toPeer` to the peer.
 * 2. While the status is `waiting` or `exchanging`, pass the peer's bytes to
 *    `receive`. Send `toPeer` after every call.
 * 3. On `comparing`, show the string and ask the user whether the other host
 *    shows the same one. Keep reading while the user decides. Call `confirm`
 *    if the user says yes, `reject` if the user says no.
 * 4. While the status is `confirmed`, keep reading.
 * 5. On `agreed`, send `toPeer`. Only then take the key with `takeKey` and
 *    write the key file. The exchange is complete.
 * 6. When the stream ends, call `eof`. On a failure, close the connection and
 *    keep nothing. A failed call returns no bytes: send nothing after it.
 *
 * ## What a host has to do
 *
 * - **Accept one peer per run.** A server may drop a connection whose status
 *   never left `waiting`: the other end did not speak this protocol. The first
 *   connection whose status changes is *the* peer. If it fails, the run is
 *   over, and a person has to start the next one. A host that retries
 *   automatically gives an attacker unlimited guesses.
 * - **Construct a fresh `exchange` with fresh entropy for every connection**,
 *   including those that are dropped.
 * - Limit the duration of a run. A silent peer has no other cost.
 * - Do not create the key file under its final name before `agreed`.
 * - A failure between `confirm` and `agreed` may leave the two hosts with
 *   different outcomes, and no protocol can prevent that. With a code, the
 *   same holds on a client from the moment it has answered the server's first
 *   message. Tell the user that the other host may have written its key file
 *   and that the file must be deleted there. After a failed run with a code,
 *   tell the user to choose a new code: an attacker may have tried this one.
 *
 * ## What is secret
 *
 * The entropy, the code and the key are secret. The string and the bytes on
 * the wire are not, but the string must reach the user's eyes unchanged.
 *
 * ## Limits and traps
 *
 * Each end sends less than 120 bytes in total. Each call consumes all of its
 * input, and splitting the input differently changes nothing. A call takes
 * less than a millisecond. Use one instance per exchange. After a trap, the
 * instance is unusable.
 *
 * One end of one pairing.
 */
export interface Exchange {
  /**
   * Begins the exchange: call it once, before any other method. `toPeer` is
   * a client's first message; it is empty on a server, which speaks second.
   *
   * @throws {ComponentError} its `payload` is a {@link PairingFailure}
   */
  start(): PairingOutput;

  /**
   * Consumes bytes from the peer. Bytes that arrive after `agreed` are
   * ignored.
   *
   * @throws {ComponentError} its `payload` is a {@link PairingFailure}
   */
  receive(bytes: Uint8Array): PairingOutput;

  /**
   * The user has confirmed that both ends show the same string.
   *
   * @throws {ComponentError} its `payload` is a {@link PairingFailure}
   */
  confirm(): PairingOutput;

  /**
   * The user has reported that the strings differ. The exchange is over.
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
   * The content of the key file: 32 bytes, secret. Can be called once, after
   * `agreed`; the exchange keeps no copy.
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
   * An exchange that has not begun. The client is the end that opens the
   * connection.
   *
   * `code` must be the same at both ends: 6 to 1024 printable ASCII
   * characters. Spaces, hyphens and surrounding white space are ignored;
   * upper and lower case are equivalent. A host should refuse codes that are
   * easy to guess. Without a code, the user compares strings.
   *
   * `entropy` is 32 bytes from a cryptographic random generator. Never use
   * the same bytes twice.
   *
   * @throws {ComponentError} its `payload` is a {@link PairingMisuse}
   */
  new (side: Side, code: string | undefined, entropy: Uint8Array): Exchange;

  readonly prototype: Exchange;
}
