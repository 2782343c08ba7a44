// Who noticed, in the words of the interface.

import { element, prose } from './dom.js';
import { count, faultName } from './transcript.js';

/**
 * What to say about a connection that is over.
 *
 * @param {{ steps: object[], ends: object }} connection
 * @param {boolean} attacked
 * @returns {{ kind: 'good' | 'noticed' | 'unnoticed', title: string, lines: object[] }}
 */
export function judge({ steps, ends }, attacked) {
  const noticed = Object.keys(ends).filter((side) => ends[side].state === 'failed');
  if (noticed.length > 0) {
    const faults = new Map(noticed.map((side) => [faultName(ends[side].fault), ends[side].fault]));
    return {
      kind: 'noticed',
      title: noticed.length === 2 ? 'Both ends noticed.' : `The ${noticed[0]} noticed.`,
      lines: [...faults].map(([name, fault]) => ({
        sides: noticed.filter((side) => faultName(ends[side].fault) === name),
        fault,
      })),
    };
  }
  if (attacked) {
    return {
      kind: 'unnoticed',
      title: 'Nobody noticed.',
      lines: Object.keys(ends).map((side) => ({ sides: [side], got: ends[side].received })),
    };
  }
  const { client, server } = ends;
  const said = [...client.sent, ...server.sent].join('').length;
  const sent = steps.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  const same = (these, those) => these.join('') === those.join('');
  const intact = same(client.sent, server.received) && same(server.sent, client.received);
  if (!intact) {
    return {
      kind: 'unnoticed',
      title: 'This page is broken: text was changed on its way.',
      lines: [],
    };
  }
  return {
    kind: 'good',
    title: 'All of it arrived.',
    lines: [{ text: `${count(said)} of text arrived unchanged, in ${sent} bytes on the network.` }],
  };
}

/**
 * @param {object} verdict of `judge`
 * @param {Map<string, string>} words of the interface
 * @param {Node} [next] what to try now
 */
export function show({ kind, title, lines }, words, next) {
  const told = lines.map(({ sides = [], fault, got, text }) => {
    const who = sides.flatMap((side) => [element(`b.${side}`, {}, NAMES[side]), ' ']);
    if (fault) {
      const meaning = prose(words.get(`peer-fault/${fault.tag}`));
      return element('p', {}, ...who, element('code.fault', {}, faultName(fault)), ' ', ...meaning);
    }
    return element('p', {}, ...who, ...(got ? takes(got) : [text]));
  });
  return element('div.verdict', { data: { kind } }, element('h3', {}, title), ...told, next);
}

/** What an application has that was told that this is all. */
function takes(texts) {
  if (texts.length === 0) {
    return ['Its application got nothing, and takes that for all there was.'];
  }
  const quotes = texts.flatMap((text) => [
    ' ',
    element('q', {}, text.length > 60 ? `${text.slice(0, 50).trim()}…` : text.trim()),
  ]);
  return ['Its application takes this for all there was:', ...quotes];
}

const NAMES = { client: 'Client', server: 'Server' };
