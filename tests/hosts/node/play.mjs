// Replays transcripts: play.mjs FILE...
// Their format is described in tests/transcripts/README.md.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { instantiate, load } from './package.mjs';

const module = await load();

/** Replays one file; throws at the first answer that differs. */
function play(file) {
  let calls = 0;
  for (const part of parse(file)) {
    let resource;
    compare(part, result(() => {
      resource = MAKERS[part.name](part);
      return ['made'];
    }));
    for (const step of part.steps) {
      compare(step, answer(resource, step.text));
      calls += 1;
    }
  }
  return calls;
}

/** Throws unless a part or a call has been answered as it must be. */
function compare({ where, expected }, answers) {
  const count = Math.max(expected.length, answers.length);
  for (let i = 0; i < count; i++) {
    const wanted = expected[i];
    if (!wanted || !matches(wanted.text, answers[i])) {
      const line = wanted?.where ?? where;
      throw new Error(`${line}: expected ${wanted?.text ?? 'no more'}, got ${brief(answers[i])}`);
    }
  }
}

/** The parts, each with what it is made of, and its calls; all with their answers. */
function parse(file) {
  const parts = [];
  readFileSync(file, 'ascii').split('\n').forEach((text, index) => {
    const where = `${file}:${index + 1}`;
    const part = parts.at(-1);
    const [, name, value] = text.match(/^([a-z-]+): (.*)$/) ?? [];
    if (text === '' || text.startsWith('#')) {
      return;
    } else if (Object.hasOwn(MAKERS, text)) {
      parts.push({ where, name: text, values: {}, steps: [], expected: [] });
    } else if (name) {
      (part.values[name] ??= []).push(value);
    } else if (/^[>=] /.test(text)) {
      (part.steps.at(-1) ?? part).expected.push({ where, text });
    } else {
      part.steps.push({ where, text, expected: [] });
    }
  });
  return parts;
}

/** What makes a part's resource, by the part's name. */
const MAKERS = {
  connect(part) {
    const { Session } = instantiate(module);
    return Session.connect(config(part), ...values(part, 'psk', 'entropy'));
  },
  acceptor(part) {
    const { Acceptor } = instantiate(module);
    const acceptor = new Acceptor(config(part), (part.values.psk ?? []).map(unhex));
    const [nonce] = values(part, 'our-nonce');
    return { acceptor, nonce, received: Buffer.alloc(0) };
  },
  accept(part) {
    const { Session } = instantiate(module);
    return Session.accept(config(part), ...values(part, 'our-nonce', 'hello', 'psk', 'entropy'));
  },
  resume(part) {
    const { Session } = instantiate(module);
    return Session.resume(...values(part, 'state'));
  },
};

function config(part) {
  const [tag, val] = part.values.config[0].split(' ');
  return { tag, val };
}

function values(part, ...names) {
  return names.map((name) => unhex(part.values[name][0]));
}

/** Makes a call and writes its answer as a transcript does. */
function answer(resource, call) {
  const [name, bytes] = call.split(' ');
  switch (name) {
    case 'identify':
      resource.received = Buffer.concat([resource.received, unhex(bytes)]);
      return result(() => {
        const verdict = resource.acceptor.identify(resource.nonce, resource.received);
        return words(verdict);
      });
    case 'fault-at-eof':
      return result(() => {
        const fault = resource.acceptor.faultAtEof(resource.nonce, resource.received);
        return ['fault', ...words(fault)];
      });
    case 'start':
      return output(resource.start());
    case 'compute':
      return output(resource.compute());
    case 'crypt':
      return output(resource.handleCrypt(unhex(bytes)));
    case 'plain':
      return output(resource.handlePlain(unhex(bytes)));
    case 'crypt-eof':
      return output(resource.cryptEof());
    case 'plain-eof':
      return output(resource.plainEof());
    case 'psk-id': {
      const id = resource.pskId();
      return [id ? `= psk-id ${hex(id)}` : '= none'];
    }
    case 'suspend':
      return result(() => ['state', hex(resource.suspend())]);
    default:
      return [`no call: ${call}`];
  }
}

/** The answer of a call that returns words, or throws a WIT error. */
function result(call) {
  try {
    return [['=', ...call()].join(' ')];
  } catch (error) {
    const { payload } = error;
    // A trap has no payload.
    if (payload === undefined) {
      throw error;
    }
    // A `failure`, or a `misuse` by itself.
    return [failed(typeof payload === 'string' ? { tag: 'misuse', val: payload } : payload)];
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

function failed(failure) {
  return ['= failed', ...words(failure)].join(' ');
}

/** A value as words: a variant's case with all values in it, a record's fields. */
function words(value) {
  if (typeof value !== 'object') {
    return [value];
  }
  const { tag, val, ...fields } = value;
  const inner = tag ? [val].filter((one) => one !== undefined) : Object.values(fields);
  return [...(tag ? [tag] : []), ...inner.flatMap(words)];
}

/** Whether a line answers as expected, which may be given by a digest. */
function matches(expected, line) {
  if (line === undefined) {
    return false;
  }
  const [, start, form] = expected.match(/^(> crypt |> plain |= state |= psk-id )(.*)$/) ?? [];
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
