// Like `spiped -d -F`: takes encrypted connections, passes them to a target.

import net from 'node:net';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { commandLine } from './cli.mjs';
import { Acceptor } from './spiped.mjs';

const { s, t, ...options } = commandLine('spiped-server.mjs -s SOURCE -t TARGET', 'st');

const acceptor = new Acceptor(options);

async function serve(socket) {
  const pipe = acceptor.accept(socket, options);
  await once(pipe, 'established');
  const target = net.connect({ ...t, allowHalfOpen: true, noDelay: true });
  // What a broken pipe truncates must not look complete.
  pipe.once('error', () => target.remoteAddress && target.resetAndDestroy());
  await Promise.all([pipeline(pipe, target), pipeline(target, pipe)]);
}

net
  .createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    serve(socket).catch((error) => console.error(`spiped-server.mjs: ${error.message}`));
  })
  .listen(s);
