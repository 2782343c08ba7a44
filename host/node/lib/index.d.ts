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

/** What a client and a server can set. */
export interface HandshakeOptions {
  /**
   * The key exchange. A client uses `modp2048` unless it is told otherwise, a server
   * accepts whichever of them a client chooses. Debian's and Tarsnap's spiped know
   * `modp2048` only.
   */
  keyExchange?: KeyExchange | undefined;
  /** With `modp2048`; by default `offer`. */
  forwardSecrecy?: ForwardSecrecy | undefined;
  /**
   * How long connecting and the handshake may take together, in milliseconds; by
   * default 5000. After a failure, what came before it waits no longer than that to
   * be read.
   */
  handshakeTimeout?: number | undefined;
  /**
   * How long a pipe is idle, in milliseconds, before it gives up its instance of the
   * component; by default 1000. The next byte costs a new one, a third of a
   * millisecond. `Infinity` keeps it.
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
   * How many may be connected and not have authenticated; by default 1000, and half of
   * that from one network. One more takes the place of one that has sent nothing for a
   * second, of the network that has most of them; if there is none, it is not let in.
   */
  maxStrangers?: number | undefined;
  /** As in `net.createServer`. */
  backlog?: number | undefined;
}

/** Connects to a `spiped -d`. What is written before `connect` waits for it. */
export function connect(options: ConnectOptions, onConnect?: () => void): Pipe;

/**
 * Does what `spiped -d` does, up to its target: `onConnection` gets the pipe of each
 * client that has authenticated.
 */
export function createServer(options: ServerOptions, onConnection?: (pipe: Pipe) => void): Server;

/**
 * The plain side of a connection: a stream that stands in for a `net.Socket`. The two
 * directions end independently, with `allowHalfOpen`.
 *
 * It emits what a socket does, and:
 *
 * - `connect`, then `ready` and `secureConnect`, when the handshake is done: the other
 *   end has the key.
 * - `error` after everything was read that was authenticated before the failure. The
 *   error is a {@link PipeError}, or the socket's own. Both sides are reset then: a
 *   truncated stream never ends with `end`. (With `modp2048`, whose end is not
 *   authenticated, an attacker can still end a stream between two packets.)
 *
 * A pipe that is destroyed before all that was written has gone resets the connection.
 */
export class Pipe extends Duplex {
  /** A client's pipe, for a `connect` to come. The function {@link connect} does both. */
  constructor(options: PipeOptions);

  /** As those of `net.Socket`. */
  connect(options: SocketConnectOpts, onConnect?: () => void): this;
  connect(port: number, host: string, onConnect?: () => void): this;
  connect(port: number, onConnect?: () => void): this;
  connect(path: string, onConnect?: () => void): this;

  /** On a server, which of its keys the client has, as an index. */
  readonly pskIndex: number | undefined;
  /** On a server, the key exchange that the client has chosen. */
  readonly keyExchange: KeyExchange | undefined;
  /** Whether it is idle and has given up its instance. */
  readonly isAsleep: boolean;

  /** Until `connect`: as long as the handshake is not done. */
  readonly connecting: boolean;
  readonly pending: boolean;
  readonly readyState: 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed';
  /** What the application has got, in bytes; on the crypt side, it is some more. */
  readonly bytesRead: number;
  /** What the application has written, in bytes. */
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
  /** Ends the pipe, and destroys it when all is sent. */
  destroySoon(): void;
  /** Resets the connection at once. */
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
 * It connects to the target, within the pipe's `handshakeTimeout`. Each direction ends
 * when it has been passed on to its end, so the pipe must have been made with
 * `allowHalfOpen`. If one side breaks, the other is reset when it has got what came
 * before, and the promise is rejected.
 *
 * To pass the bytes on by hand is not the same: Node reports a reset that comes with a
 * socket's last bytes as an `end`, if the socket is read in the usual way. So a socket
 * of your own must have been made with `allowHalfOpen`, and for one byte at a time
 * (`readableHighWaterMark: 1` of `net.connect`, `highWaterMark: 1` of
 * `net.createServer`), which makes it stop after whatever has come.
 */
export function relay(pipe: Pipe, target: Socket | SocketConnectOpts): Promise<void>;

/** Where a stranger was. */
export interface StrangerInfo {
  remoteAddress: string | undefined;
  remotePort: number | undefined;
}

/**
 * Takes encrypted connections.
 *
 * Until a client has authenticated it is a stranger: it costs a socket and a timer, has
 * no session, and nobody hears of it.
 */
export class Server extends EventEmitter {
  constructor(options: ServerOptions);

  /** As those of `net.Server`. */
  listen(port?: number, host?: string, onListening?: () => void): this;
  listen(port?: number, onListening?: () => void): this;
  listen(path: string, onListening?: () => void): this;
  listen(options: ListenOptions, onListening?: () => void): this;
  /** Takes no more connections. Calls back when the last pipe has ended. */
  close(callback?: (error?: Error) => void): this;
  readonly listening: boolean;
  address(): AddressInfo | string | null;
  ref(): this;
  unref(): this;
  [Symbol.asyncDispose](): Promise<void>;

  /** A client has authenticated, and the handshake is done. */
  on(event: 'connection', listener: (pipe: Pipe) => void): this;
  /** A stranger was not let in: for the log, within limits. */
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
   * `trapped` (the component has broken down), `crowded-out` (a stranger made room for
   * others), or `closed`.
   */
  readonly code: string;
  /** What the component says, if it is that. */
  readonly failure?: Failure;
}

/**
 * A connector for ioredis, which speaks to a Redis behind a `spiped -d`:
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
  /** Takes no more connections, ends those there are, and removes the socket. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Does what `spiped -e` does, for clients that make their sockets themselves: listens
 * on a Unix socket in a directory that only this user can enter. A Unix socket knows
 * no reset: what a broken pipe truncates, its client sees as an end.
 *
 *     const { path } = await listen({ host: 'db1', port: 8025, key });
 *     const redis = createClient({ socket: { path } });
 */
export function listen(options: ConnectOptions): Promise<Listener>;
