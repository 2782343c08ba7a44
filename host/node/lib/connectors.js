// Pipes for clients that make their connections themselves.

import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from './client.js';
import { Pipe, READING } from './pipe.js';
import { relay } from './relay.js';

/** A connector for ioredis. See `index.d.ts`. */
export function ioredisConnector(options) {
  return class SpipedConnector {
    #redis;
    #pipe;

    constructor(redis) {
      this.#redis = redis;
    }

    // What follows is what ioredis expects of a connector.

    firstError;

    check() {
      return true;
    }

    async connect() {
      const { host, port, path, family } = this.#redis;
      this.#pipe = connect({ ...(path ? { path } : { host, port, family }), ...options });
      this.#pipe.once('error', (error) => (this.firstError = error));
      return this.#pipe;
    }

    disconnect() {
      const pipe = this.#pipe;
      if (pipe) {
        const timer = setTimeout(() => pipe.destroy(), this.#redis.disconnectTimeout);
        pipe.once('close', () => clearTimeout(timer));
        pipe.end();
      }
    }
  };
}

/** An agent for `http.request`. See `index.d.ts`. */
export function httpAgent(options, agentOptions) {
  const agent = new http.Agent({ keepAlive: true, ...agentOptions });
  agent.createConnection = () => connect(options);
  return agent;
}

/** Does what `spiped -e` does, on a Unix socket for this user alone. See `index.d.ts`. */
export async function listen(options) {
  // What is wrong with them is said here, and not to a client that comes.
  new Pipe({ ...options, signal: undefined }).destroy();
  const directory = await mkdtemp(join(tmpdir(), 'spiped-pipe-'));
  const path = join(directory, 'socket');
  const server = net.createServer({ allowHalfOpen: true, highWaterMark: READING });
  const plains = new Set();
  const close = async () => {
    server.close();
    plains.forEach((plain) => plain.destroy());
    await rm(directory, { recursive: true, force: true });
  };
  server.on('connection', (plain) => {
    plains.add(plain);
    plain.once('close', () => plains.delete(plain));
    // Whatever goes wrong, the client here sees its socket close.
    relay(connect({ ...options, allowHalfOpen: true }), plain).catch(() => {});
  });
  server.listen(path);
  await once(server, 'listening');
  return { path, close, [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]: close };
}
