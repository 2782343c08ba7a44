// Shows the steps of a connection: both ends, and the network between them.

import { dump } from './bytes.js';
import { element } from './dom.js';

const SIDES = ['client', 'server'];

/** A fault as it is shown: `forged-packet 1`. */
export function faultName({ tag, val }) {
  return typeof val === 'bigint' ? `${tag} ${val}` : tag;
}

/** `1060 bytes`. */
export const count = (bytes) => `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;

/** How much is sent, and whether that is all. */
function size({ bytes, end }) {
  if (bytes.length === 0) return 'no bytes';
  return `${count(bytes.length)}${end === 'fin' ? ', end' : ''}`;
}

/** Who sends what, in words. */
export function headline(step) {
  const to = step.from === 'client' ? 'server' : 'client';
  return step.from ? `${step.from} to ${to}: ${step.title}, ${size(step)}` : step.title;
}

/**
 * The list item for a step.
 *
 * @param {object} step as in conversation.js
 * @param {object} [before] the one before it
 * @param {object} handlers `whole(step)`, `toggle(step)` and `strike(step, at)`, where
 *   `step` is its number
 * @param {number} index
 */
export function row(step, before, handlers, index) {
  const { from = 'both', end = '' } = step;
  return element(
    'li.step',
    {
      data: {
        from,
        end,
        client: step.now.client.state,
        server: step.now.server.state,
        attack: attackKind(step),
      },
    },
    wire(step, before, handlers, index),
    ...SIDES.map((side) => note(side, step, before)),
  );
}

/** `end` is what a cut looks like to both ends. */
function attackKind({ flipped, cut, end }) {
  if (flipped !== undefined) return 'flip';
  if (cut !== undefined) return 'cut';
  return end === 'cut' ? 'end' : '';
}

function wire(step, before, handlers, index) {
  const sends = step.bytes?.length > 0;
  return element(
    'div.wire',
    {},
    step.stage !== before?.stage && element('p.stage', {}, step.stage),
    element(
      'div.label',
      {},
      element(
        'h3',
        {},
        step.from &&
          element(
            'span.unseen',
            {},
            step.from === 'client' ? 'Client to server: ' : 'Server to client: ',
          ),
        step.title,
      ),
      step.from && element('span.size', {}, size(step)),
    ),
    step.from && element('div.arrow', { aria: { hidden: true } }),
    sends && element('p.parts', {}, ...step.parts.flatMap(part)),
    sends &&
      dump(step, {
        what: step.title,
        whole: handlers.whole(index),
        toggle: () => handlers.toggle(index),
        strike: (at) => handlers.strike(index, at),
      }),
    attackOn(step),
    step.notes.wire && element('p.meaning', {}, step.notes.wire),
  );
}

/** What the attacker did to this message. */
function attackOn({ bytes, flipped, cut, original }) {
  const hex = (byte) => byte.toString(16).padStart(2, '0');
  if (flipped !== undefined) {
    return element(
      'p.attack',
      {},
      `The attacker changes one bit of byte ${flipped}: `,
      element('code', {}, `${hex(original)} → ${hex(bytes[flipped])}`),
    );
  }
  if (cut !== undefined) {
    const where = cut === 0 ? 'before this message' : `before byte ${cut}`;
    return element('p.attack', {}, `The attacker cuts the stream ${where}.`);
  }
  return undefined;
}

/** A part of a message, as wide as it is long. */
function part({ name, length, kind }) {
  const narrow = length < 16;
  const made = element(
    `span.${kind}`,
    { title: `${name}: ${count(length)}` },
    element(narrow ? 'span.unseen' : 'span', {}, `${name} ${length}`),
  );
  made.style.flexGrow = length;
  return [made, ' '];
}

function note(side, step, before) {
  const sends = step.from === side;
  const text = sends ? step.said : step.heard;
  const { state, fault } = step.now[side];
  const changed = state !== before?.now[side].state;
  return element(
    `div.note.${side}`,
    {},
    element(
      'p.what',
      {},
      element('span.unseen', {}, side === 'client' ? 'Client: ' : 'Server: '),
      step.notes[side],
    ),
    text &&
      element(
        'figure.application',
        { data: { from: step.from } },
        element('figcaption', {}, sends ? 'application sends' : 'application gets'),
        element('blockquote', {}, text),
      ),
    changed &&
      element('p.state', { data: { state } }, fault ? `${state}: ${faultName(fault)}` : state),
  );
}
