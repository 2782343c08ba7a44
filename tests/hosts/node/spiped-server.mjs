// Like `spiped -d -F`: takes encrypted connections, passes them to a target.

import { commandLine } from './cli.mjs';
import { createServer, relay } from './package.mjs';

const { s, t, ...options } = commandLine('spiped-server.mjs -s SOURCE -t TARGET', 'st');

function report(error) {
  console.error(`spiped-server.mjs: ${error.message}`);
}

createServer({ ...options, allowHalfOpen: true }, (pipe) => relay(pipe, t).catch(report))
  .on('refused', report)
  .listen(s);
