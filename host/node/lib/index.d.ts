/// <reference types="node" />
/// <reference lib="esnext.disposable" />

import type { EventEmitter } from 'node:events';
import type { Agent, AgentOptions } from 'node:http';
import type { AddressInfo, ListenOptions, Socket, SocketConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Failure, ForwardSecrecy, KeyExchange } from './component.js';

export { load } from './browser.js';
export { ComponentError, Trap, compile, dispose, instantiate } from './component.js';
export type * from './component.js';

/** Options of both clients and servers. */
export interface HandshakeOptions {
  /**
   * The key exchange. By default, a client uses `modp2048`, and a server accepts either.
   * Debian's and Tarsnap's spiped support only `modp2048`.
   */
  keyExchange?: KeyExchange | undefined;
  /** With `modp2048`; by default `offer`. */
  forwardSecrecy?: ForwardSecrecy | undefined;
  /**
   * How long connecting and the handshake may take together, in milliseconds; by
   * default 5000. After a failure, bytes from before it wait no longer than that to be
   * read.
   */
  handshakeTimeout?: number | undefined;
  /**
   * How long a pipe is idle, in milliseconds, before it drops its instance of the
   * component; by default 1000. The next byte makes a new one, which takes a third of a
   * millisecond. `Infinity` keeps the instance.
   */
  sleepAfter?: number | undefined;
  /** As in `net.connect`: by default, a pipe ends when the other end does. */
  allowHalfOpen?: boolean | undefined;
  /** By default true. */
  noDelay?: boolean | undefined;
  /** As in `net.connect`. */
  keepAlive?: boolean | undefined;
  /** As in `net.connect`. */
  keepAliveInitialDelay?: number | undefined;
}

/** The options of a {@link Pipe}: one of `key` and `psk`, and others. */
export interface PipeOptions extends HandshakeOptions {
  /** The content of the key file. */
  key?: Uint8Array | undefined;
  /** The SHA-256 of the key file's content, 32 bytes. */
  psk?: Uint8Array | undefined;
  /** Destroys the pipe. */
  signal?: AbortSignal | undefined;
}

/** The options of {@link connect}: also those of `net.connect` about the address. */
export type ConnectOptions = PipeOptions & SocketConnectOpts & {
  /** As in `net.connect`: calls {@link Pipe.setTimeout}. */
  timeout?: number | undefined;
};

/** The options of {@link createServer}: one of `key`, `psk`, `keys` and `psks`, and others. */
export interface ServerOptions extends HandshakeOptions {
  /** The content of the key file. */
  key?: Uint8Array | undefined;
  /** The SHA-256 of the key file's content, 32 bytes. */
  psk?: Uint8Array | undefined;
  /** The contents of several key files, each of which is accepted. */
  keys?: readonly Uint8Array[] | undefined;
  /** Their SHA-256. */
  psks?: readonly Uint8Array[] | undefined;
  /**
   * How many clients may be connected without having authenticated; by default 1000, at
   * most half of them from one network. A further one replaces a client that has sent
   * nothing for a second, of the network with most of them; if there is none, it is
   * refused.
   */
  maxStrangers?: number | undefined;
  /** As in `net.createServer`. */
  backlog?: number | undefined;
}

/** Connects to a `spiped -d`. Bytes written before `connect` wait for it. */
export function connect(options: ConnectOptions, onConnect?: () => void): Pipe;

/**
 * Accepts connections as `spiped -d` does: `onConnection` gets the pipe of each client
 * that has authenticated.
 */
export function createServer(options: ServerOptions, onConnection?: (pipe: Pipe) => void): Server;

/**
 * The plain side of a connection: a stream that replaces a `net.Socket`. With
 * `allowHalfOpen`, the two directions end independently.
 *
 * It emits the events of a socket, and:
 *
 * - `connect`, then `ready` and `secureConnect`, when the handshake is complete: the
 *   other end has the key.
 * - `error`, after all bytes that were authenticated before the failure have been read.
 *   The error is a {@link PipeError}, or the socket's own. Both sides are then reset: a
 *   truncated stream never ends with `end`. (With `modp2048`, whose end is not
 *   authenticated, an attacker can still end a stream between two packets.)
 *
 * Destroying a pipe before all written bytes have been sent resets the connection.
 */
export class Pipe extends Duplex {
  /** A client's pipe, for a `connect` to come. The function {@link connect} does both. */
  constructor(options: PipeOptions);

  /** As those of `net.Socket`. */
  connect(options: SocketConnectOpts, onConnect?: () => void): this;
  connect(port: number, host: string, onConnect?: () => void): this;
  connect(port: number, onConnect?: () => void): this;
  connect(path: string, onConnect?: () => void): this;

  /** On a server, the index of the client's key. */
  readonly pskIndex: number | undefined;
  /** On a server, the key exchange that the client has chosen. */
  readonly keyExchange: KeyExchange | undefined;
  /** Whether it is idle and has dropped its instance. */
  readonly isAsleep: boolean;

  /** Until `connect`: while the handshake is not complete. */
  readonly connecting: boolean;
  readonly pending: boolean;
  readonly readyState: 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed';
  /** How many bytes the application has received; on the crypt side, there are more. */
  readonly bytesRead: number;
  /** How many bytes the application has written. */
  readonly bytesWritten: number;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: string | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly localFamily: string | undefined;
  readonly timeout: number | undefined;

  /** As those of `net.Socket`, on the crypt side. */
  address(): AddressInfo | {};
  setNoDelay(noDelay?: boolean): this;
  setKeepAlive(enable?: boolean, initialDelay?: number): this;
  setTimeout(milliseconds: number, onTimeout?: () => void): this;
  ref(): this;
  unref(): this;
  /** Ends the pipe, and destroys it when everything has been sent. */
  destroySoon(): void;
  /** Resets the connection immediately. */
  resetAndDestroy(): this;
}

/**
 * Passes everything on between a pipe and a plain socket, in both directions and with
 * back-pressure: what `spiped -d` does between a client and its target.
 *
 *     createServer({ key, allowHalfOpen: true }, (pipe) => {
 *       relay(pipe, { host: '127.0.0.1', port: 6379 }).catch(report);
 *     }).listen(8025);
 *
 * It connects to the target within the pipe's `handshakeTimeout`. Each direction ends
 * by itself, so the pipe must have been made with `allowHalfOpen`. If one side fails, the
 * other is reset after it has received the bytes from before the failure, and the
 * promise is rejected.
 *
 * Passing the bytes on by hand is not the same: Node reports a reset that arrives
 * together with a socket's last bytes as an `end`, if the socket is read in the usual
 * way. So a socket of your own must have been made with `allowHalfOpen`, and for one byte
 * at a time (`readableHighWaterMark: 1` of `net.connect`, `highWaterMark: 1` of
 * `net.createServer`), which makes it stop reading after each chunk.
 */
export function relay(pipe: Pipe, target: Socket | SocketConnectOpts): Promise<void>;

/** The address of a stranger. */
export interface StrangerInfo {
  remoteAddress: string | undefined;
  remotePort: number | undefined;
}

/**
 * Accepts encrypted connections.
 *
 * Until a client has authenticated, it is a stranger: it costs a socket and a timer, has
 * no session, and emits no `connection`.
 */
export class Server extends EventEmitter {
  constructor(options: ServerOptions);

  /** As those of `net.Server`. */
  listen(port?: number, host?: string, onListening?: () => void): this;
  listen(port?: number, onListening?: () => void): this;
  listen(path: string, onListening?: () => void): this;
  listen(options: ListenOptions, onListening?: () => void): this;
  /** Accepts no more connections. Calls back when the last pipe has ended. */
  close(callback?: (error?: Error) => void): this;
  readonly listening: boolean;
  address(): AddressInfo | string | null;
  ref(): this;
  unref(): this;
  [Symbol.asyncDispose](): Promise<void>;

  /** A client has authenticated, and the handshake is complete. */
  on(event: 'connection', listener: (pipe: Pipe) => void): this;
  /** A stranger was refused: log it, within limits. */
  on(event: 'refused', listener: (error: Error, stranger: StrangerInfo) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: 'listening' | 'close', listener: () => void): this;
  on(event: string | symbol, listener: (...values: any[]) => void): this;
}

/** A pipe or a stranger has failed. */
export class PipeError extends Error {
  constructor(code: string, more?: { failure?: Failure; cause?: unknown });
  readonly name: 'PipeError';
  /**
   * The name of the WIT case, such as `wrong-key` or `forged-packet`; or `timed-out`,
   * `trapped` (the component has trapped), `crowded-out` (a stranger was evicted for
   * others), or `closed`.
   */
  readonly code: string;
  /** The failure that the component returned, if it did. */
  readonly failure?: Failure;
}

/**
 * A connector for ioredis, for a Redis behind a `spiped -d`:
 *
 *     new Redis(8025, 'db1', { Connector: ioredisConnector({ key }) })
 */
export function ioredisConnector(
  options: PipeOptions & Partial<SocketConnectOpts>,
): new (redisOptions: any) => any;

/**
 * An agent for `http.request`, whose requests all go through pipes to one `spiped -d`:
 *
 *     http.get('http://app/', { agent: httpAgent({ host: 'app1', port: 8025, key }) })
 */
export function httpAgent(options: ConnectOptions, agentOptions?: AgentOptions): Agent;

/** What {@link listen} returns. */
export interface Listener {
  /** The Unix socket. */
  readonly path: string;
  /** Accepts no more connections, ends the existing ones, and removes the socket. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Does the same as `spiped -e`, for clients that make their sockets themselves: listens
 * on a Unix socket in a directory that only this user can enter. A Unix socket has no
 * reset: its client sees a broken pipe as a clean end.
 *
 *     const { path } = await listen({ host: 'db1', port: 8025, key });
 *     const redis = createClient({ socket: { path } });
 */
export function listen(options: ConnectOptions): Promise<Listener>;
