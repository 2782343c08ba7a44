// Replays transcripts: play.mjs FILE...
// Their format is described in tests/transcripts/README.md.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { newInstance } from './component.mjs';

/** Replays one file; throws at the first answer that differs. */
function play(file) {
  const { header, calls } = parse(file);
  const session = open(header);
  for (const { where, call, expected } of calls) {
    const answers = answer(session, call);
    const count = Math.max(expected.length, answers.length);
    for (let i = 0; i < count; i++) {
      const wanted = expected[i];
      if (!wanted || !matches(wanted.text, answers[i])) {
        const line = wanted?.where ?? where;
        throw new Error(`${line}: expected ${wanted?.text ?? 'no more'}, got ${brief(answers[i])}`);
      }
    }
  }
  return calls.length;
}

/** What the session is made of, and the calls with their answers. */
function parse(file) {
  const header = { secret: [] };
  const calls = [];
  readFileSync(file, 'ascii').split('\n').forEach((text, index) => {
    const where = `${file}:${index + 1}`;
    const [, name, value] = text.match(/^([a-z-]+): (.*)$/) ?? [];
    if (text === '' || text.startsWith('#')) {
      return;
    } else if (name === 'secret') {
      header.secret.push(unhex(value));
    } else if (name) {
      header[name] = value;
    } else if (/^[>=] /.test(text)) {
      calls.at(-1).expected.push({ where, text });
    } else {
      calls.push({ where, call: text, expected: [] });
    }
  });
  return { header, calls };
}

function open(header) {
  const { Session } = newInstance();
  if (header.resume !== undefined) {
    return Session.resume(unhex(header.resume));
  }
  const chosen = header['key-exchange'];
  const config = {
    side: header.side,
    keyExchange: chosen === 'any' ? undefined : chosen,
    forwardSecrecy: header['forward-secrecy'],
  };
  return new Session(config, header.secret, unhex(header.entropy));
}

/** Makes a call and writes its answer as a transcript does. */
function answer(session, call) {
  const [name, bytes] = call.split(' ');
  switch (name) {
    case 'start':
      return output(session.start());
    case 'compute':
      return output(session.compute());
    case 'crypt':
      return output(session.handleCrypt(unhex(bytes)));
    case 'plain':
      return output(session.handlePlain(unhex(bytes)));
    case 'crypt-eof':
      return output(session.cryptEof());
    case 'plain-eof':
      return output(session.plainEof());
    case 'peer-secret':
      return [`= ${session.peerSecret() ?? 'none'}`];
    case 'key-exchange':
      return [`= ${session.keyExchange() ?? 'none'}`];
    case 'suspend':
      return suspended(session);
    default:
      return [`no call: ${call}`];
  }
}

function output({ toCrypt, toPlain, status }) {
  const lines = [];
  if (toCrypt.length > 0) {
    lines.push(`> crypt ${hex(toCrypt)}`);
  }
  if (toPlain.length > 0) {
    lines.push(`> plain ${hex(toPlain)}`);
  }
  lines.push(status.tag === 'failed' ? failed(status.val) : `= ${status.tag}`);
  return lines;
}

function suspended(session) {
  try {
    return [`= state ${hex(session.suspend())}`];
  } catch (error) {
    // A WIT `result` that is an error is thrown; a trap has no payload.
    if (!error.payload) {
      throw error;
    }
    return [failed(error.payload)];
  }
}

/** A variant's case with all values in it, as words. */
function failed(failure) {
  const words = (value) => {
    if (typeof value !== 'object') {
      return [value];
    }
    const { tag, val, packetNumber, length } = value;
    return tag ? [tag, ...(val === undefined ? [] : words(val))] : [packetNumber, length];
  };
  return ['= failed', ...words(failure)].join(' ');
}

/** Whether a line answers as expected, which may be given by a digest. */
function matches(expected, line) {
  if (line === undefined) {
    return false;
  }
  const [, start, form] = expected.match(/^(> crypt |> plain |= state )(.*)$/) ?? [];
  if (!start) {
    return line === expected;
  }
  if (!line.startsWith(start)) {
    return false;
  }
  const bytes = line.slice(start.length);
  const [, length, digest] = form.match(/^(\d+)@(.*)$/) ?? [];
  return length
    ? bytes.length === 2 * length && sha256(bytes) === digest
    : bytes === hex(unhex(form));
}

function brief(line = 'nothing') {
  return line.length <= 120 ? line : `${line.slice(0, 100)}… (${line.length} characters)`;
}

function unhex(text) {
  const [, count, bytes] = text.match(/^(?:(\d+)\*)?([0-9a-f]*|-)$/);
  return Buffer.from(bytes === '-' ? '' : bytes.repeat(Number(count ?? 1)), 'hex');
}

function hex(bytes) {
  return bytes.length === 0 ? '-' : Buffer.from(bytes).toString('hex');
}

function sha256(text) {
  return createHash('sha256').update(text, 'hex').digest('hex');
}

for (const file of process.argv.slice(2)) {
  try {
    console.log(`${file}: ${play(file)} calls`);
  } catch (error) {
    // What is not a difference, such as a trap, has no place in the file.
    console.error(error.message.startsWith(file) ? error.message : `${file}: ${error.stack}`);
    process.exitCode = 1;
  }
}
