// spiped in Node, Bun and Deno. See README.md.

import { Server } from './server.js';

export { connect } from './client.js';
export { ComponentError, Trap, compile, dispose, instantiate } from './component.js';
export { httpAgent, ioredisConnector, listen } from './connectors.js';
export { PipeError } from './errors.js';
export { Pipe } from './pipe.js';
export { relay } from './relay.js';
export { load } from './sessions.js';
export { Server };

/** Does what `spiped -d` does, up to its target. */
export function createServer(options, onConnection) {
  const server = new Server(options);
  return onConnection ? server.on('connection', onConnection) : server;
}
