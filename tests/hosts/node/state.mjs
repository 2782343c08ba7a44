// A connection that moves between hosts: state.mjs suspend | resume CLIENT SERVER
//
// `suspend` makes both ends of one, has them exchange something, and prints their
// states in hexadecimal. `resume` goes on from two such states, and prints what
// crossed in both directions.

import { instantiate, load } from './package.mjs';
import { establish } from './ends.mjs';

const module = await load();
const [command, ...states] = process.argv.slice(2);

function cross(from, to, text) {
  const { toCrypt } = from.handlePlain(Buffer.from(text));
  return Buffer.from(to.handleCrypt(toCrypt).toPlain).toString();
}

if (command === 'suspend') {
  const { client, server } = establish(module);
  cross(client, server, 'before');
  // Half a packet is part of the state.
  const { toCrypt } = server.handlePlain(Buffer.from('on the way'));
  client.handleCrypt(toCrypt.subarray(0, 500));
  for (const end of [client, server]) {
    console.log(Buffer.from(end.suspend()).toString('hex'));
  }
  console.log(Buffer.from(toCrypt.subarray(500)).toString('hex'));
} else {
  const [client, server] = states.slice(0, 2).map((state) => {
    return instantiate(module).Session.resume(Buffer.from(state, 'hex'));
  });
  const { toPlain } = client.handleCrypt(Buffer.from(states[2], 'hex'));
  console.log(Buffer.from(toPlain).toString());
  console.log(cross(client, server, 'there'));
  console.log(cross(server, client, 'and back'));
}
