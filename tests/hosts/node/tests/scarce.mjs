// More connections, none of which wants to sleep, than there are addresses for; prints
// how many sleep all the same.

import { once } from 'node:events';
import { client, server } from './lab.mjs';

const cleanUp = { after() {} };
const { port } = await server(cleanUp, { sleepAfter: Infinity }, (pipe) => pipe.pipe(pipe));
const pipes = [];
for (let i = 0; i < 10; i++) {
  const pipe = client(cleanUp, port, { sleepAfter: Infinity, keyExchange: 'x25519' });
  await once(pipe, 'connect');
  pipes.push(pipe);
}
const sleeping = pipes.filter((pipe) => pipe.isAsleep).length;
for (const pipe of pipes) {
  pipe.write('awake?');
  await once(pipe, 'data');
}
console.log(sleeping);
process.exit();
