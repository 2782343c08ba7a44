// Like `spiped -d -F`: takes encrypted connections, passes them to a target.

import net from 'node:net';
import { pipeline } from 'node:stream/promises';
import { commandLine } from './cli.mjs';
import { createServer } from './package.mjs';

const { s, t, ...options } = commandLine('spiped-server.mjs -s SOURCE -t TARGET', 'st');

async function serve(pipe) {
  const target = net.connect({ ...t, allowHalfOpen: true, noDelay: true });
  // What a broken pipe truncates must not look complete.
  pipe.once('error', () => target.remoteAddress && target.resetAndDestroy());
  await Promise.all([pipeline(pipe, target), pipeline(target, pipe)]);
}

function report(error) {
  console.error(`spiped-server.mjs: ${error.message}`);
}

createServer({ ...options, allowHalfOpen: true }, (pipe) => serve(pipe).catch(report))
  .on('refused', report)
  .listen(s);
