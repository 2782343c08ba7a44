// Both ends of a connection without anything between them.

import { randomBytes } from 'node:crypto';
import { instantiate } from './package.mjs';

/** Both ends, established. What computes is passed through `timed`. */
export function establish(module, timed = (_name, call) => call()) {
  const [psk, serverNonce] = [randomBytes(32), randomBytes(32)];
  const config = { tag: 'modp2048', val: 'offer' };
  const client = instantiate(module).Session.connect(config, psk, randomBytes(64));
  const clientNonce = client.start().toCrypt;
  timed('public-value', () => client.compute());
  const hello = Buffer.concat([clientNonce, client.handleCrypt(serverNonce).toCrypt]);
  const { Session } = instantiate(module);
  const server = Session.accept(config, serverNonce, hello, psk, randomBytes(32));
  server.start();
  const share = server.compute().toCrypt;
  timed('shared-value', () => server.compute());
  client.handleCrypt(share);
  client.compute();
  return { client, server };
}
