// The same for browsers, without the types of Node.

import { ComponentError, dispose, instantiate, load } from 'spiped-pipe';
import type { SessionOutput, SessionStatus } from 'spiped-pipe';
// @ts-expect-error: there are no sockets
import { connect } from 'spiped-pipe';

const instance = instantiate(await load());
const session = instance.Session.connect({ tag: 'x25519' }, new Uint8Array(32), new Uint8Array(64));
const output: SessionOutput = session.start();
const status: SessionStatus = output.status;
session[dispose]();
instance[Symbol.dispose]();
console.log(status.tag, ComponentError, connect);
