// Calls a guest that never returns.

import { parentPort, workerData } from 'node:worker_threads';
import { compile, instantiate } from '../package.mjs';

const { Session } = instantiate(await compile(workerData));
const session = Session.connect({ tag: 'x25519' }, new Uint8Array(32), new Uint8Array(64));
parentPort.postMessage('called');
session.compute();
