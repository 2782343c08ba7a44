// What strict TypeScript has to accept and to refuse, in Node.

import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import {
  ComponentError,
  Pipe,
  PipeError,
  Server,
  Trap,
  connect,
  createServer,
  httpAgent,
  ioredisConnector,
  listen,
  relay,
} from 'spiped-pipe';
import type { Failure, KeyExchange, PeerFault, PipeOptions, ServerConfig } from 'spiped-pipe';
import { compile, instantiate } from 'spiped-pipe/component';

const key: Buffer = readFileSync('key');

const pipe: Pipe = connect({ host: 'db1', port: 8025, key, keyExchange: 'x25519' }, () => {});
const duplex: Duplex = pipe.setNoDelay(true).setKeepAlive(true, 1000).setTimeout(5, () => {}).unref();
const exchange: KeyExchange | undefined = pipe.keyExchange;
const address: string | undefined = pipe.remoteAddress;
new Pipe({ psk: new Uint8Array(32) }).connect(8025, 'db1');
connect({ path: '/run/db1', key, signal: AbortSignal.timeout(1), handshakeTimeout: 10 });
// @ts-expect-error: where to?
connect({ key });
relay(pipe, { host: 'db1', port: 6379 }).catch((error: Error) => console.error(error));
// @ts-expect-error: where to?
relay(pipe);
// @ts-expect-error: not bytes
connect({ port: 1, key: 'text' });
// @ts-expect-error: no such exchange
const wrong: PipeOptions = { key, keyExchange: 'any' };

pipe.on('error', (error: Error) => {
  if (error instanceof PipeError && error.failure) {
    told(error.failure);
  } else if (error instanceof Trap) {
    console.error(error.cause);
  }
});

/** Every case there is: a new one does not compile. */
function told(failure: Failure): string {
  switch (failure.tag) {
    case 'peer':
      return fault(failure.val);
    case 'misuse':
    case 'exhausted':
      return failure.tag;
  }
}

function fault(peer: PeerFault): string {
  switch (peer.tag) {
    case 'forged-packet':
      return `packet ${peer.val satisfies bigint}`;
    case 'bad-length':
      return `packet ${peer.val.packetNumber satisfies bigint}: ${peer.val.length satisfies number}`;
    case 'wrong-key':
    case 'key-exchange-not-accepted':
    case 'reflected':
    case 'public-value-out-of-range':
    case 'low-order-public-value':
    case 'no-forward-secrecy':
    case 'data-after-end-mark':
    case 'truncated-in-handshake':
    case 'truncated-in-packet':
    case 'truncated-before-end-mark':
      return peer.tag;
  }
}

const server: Server = createServer({ keys: [key, key], maxStrangers: 10 }, (client) => {
  const index: number | undefined = client.pskIndex;
  client.end(String(index));
});
server.on('refused', (error, { remoteAddress }) => console.error(error.message, remoteAddress));
server.listen(8026, '127.0.0.1', () => {}).unref();

class Connector extends ioredisConnector({ key }) {}
new Connector({});
httpAgent({ port: 1, key }, { maxSockets: 2 }).destroy();

async function component(): Promise<void> {
  await using listener = await listen({ port: 1, key });
  const path: string = listener.path;
  const module = await compile(fetch('https://localhost/'));
  using instance = instantiate(module);
  const config: ServerConfig = { tag: 'any', val: 'offer' };
  const acceptor = new instance.Acceptor(config, [key]);
  const verdict = acceptor.identify(key, key);
  if (verdict.tag === 'authenticated') {
    using session = instance.Session.accept(config, key, key, key, key);
    const { toCrypt, toPlain, status } = session.start();
    const bytes: Uint8Array[] = [toCrypt, toPlain, session.suspend()];
    console.log(bytes, status.tag, verdict.val.helloLen, path);
  }
  try {
    // @ts-expect-error: not bytes
    acceptor.identify('nonce', key);
  } catch (error) {
    console.log(error instanceof ComponentError && error.payload);
  }
  // @ts-expect-error: x25519 has no setting
  instance.Session.connect({ tag: 'x25519', val: 'offer' }, key, key);
  const exchange = new instance.Exchange('client', undefined, key);
  const shown: string | undefined = exchange.start().status.val;
  console.log(shown);
}

console.log(duplex, exchange, address, wrong, component);
