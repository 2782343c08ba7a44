// Like spipe: standard input and output through a `spiped -d`.

import { pipeline } from 'node:stream/promises';
import { commandLine } from './cli.mjs';
import { connect } from './package.mjs';

const { t, ...options } = commandLine('spipe.mjs -t TARGET', 't');
process.once('SIGTERM', () => process.exit(0));
try {
  const pipe = connect({ ...t, ...options, allowHalfOpen: true });
  await pipeline(process.stdin, pipe, process.stdout);
} catch (error) {
  console.error(`spipe.mjs: ${error.message}`);
  process.exit(1);
}
