// The section with two hosts that are paired. The reader is at both of them.

import { announce, element, find, prose } from './dom.js';
import { Pair } from './pairs.js';

const panes = find('#panes');
const section = find('#pairing');
const NAMES = { client: 'Host A', server: 'Host B' };
const COMMANDS = { client: 'spiped pair --connect', server: 'spiped pair --listen' };

export class Pairing {
  #module;
  #words;
  #use;
  #entropy;
  #pair;
  #attacked = false;

  /**
   * @param {WebAssembly.Module} module
   * @param {Map<string, string>} words of the interface
   * @param {URLSearchParams} given for tests and pictures: `pair`, in hexadecimal,
   *   fixes what is otherwise random
   * @param {(psk: Uint8Array) => void} use takes the key that was made
   */
  constructor(module, words, given, use) {
    this.#module = module;
    this.#words = words;
    this.#use = use;
    this.#entropy = entropy(given.get('pair'));
    find('#pair').addEventListener('click', () => this.#begin());
    section.addEventListener('change', ({ target }) => {
      this.#attacked = target.value === 'man';
      this.#begin();
    });
    this.#begin();
  }

  #begin() {
    this.#pair?.wipe();
    this.#pair = new Pair(this.#module, this.#entropy, this.#attacked);
    this.#render();
  }

  #answer(side, same) {
    this.#pair.answer(side, same);
    this.#render();
    // The buttons are gone: to what they did.
    find(`.host.${side} .state`, panes).focus();
    const { client, server } = this.#pair.hosts;
    const told = [client, server].map((end) => `${NAMES[end.side]}: ${state(end)}.`);
    announce('#paired', [...told, find('.verdict h3', panes)?.textContent ?? ''].join(' '));
  }

  #render() {
    panes.replaceChildren(
      this.#host('client'),
      this.#middle(),
      this.#host('server'),
      this.#verdict(),
    );
  }

  #host(side) {
    const end = this.#pair.hosts[side];
    const asks = end.status.tag === 'comparing' && !end.failure;
    const button = (same, text) =>
      element(
        `button${same ? '.yes' : '.no'}`,
        { type: 'button', onclick: () => this.#answer(side, same) },
        text,
      );
    return element(
      `section.host.${side}`,
      { aria: { labelledby: `host-${side}` } },
      element('h3', { id: `host-${side}` }, NAMES[side]),
      element('p.about', {}, element('code', {}, COMMANDS[side])),
      element('p.digits', { aria: { label: `Digits: ${end.digits}` }, role: 'img' }, end.digits),
      asks && element('p.question', {}, 'Does the other host show the same?'),
      asks && element('div.answers', {}, button(true, 'Yes, the same'), button(false, 'No')),
      element(
        'p.state',
        { tabIndex: -1, data: { state: end.failure ? 'failed' : end.status.tag } },
        state(end),
      ),
      !asks && element('p.words', {}, ...prose(this.#said(end))),
    );
  }

  /** What the interface says about where an end is. */
  #said({ status, failure }) {
    if (failure?.tag === 'peer') return this.#words.get(`peer-fault/${failure.val}`);
    return this.#words.get(failure ? `failure/${failure.tag}` : `status/${status.tag}`);
  }

  #middle() {
    const { links } = this.#pair;
    const list = ({ messages }) =>
      element(
        'ol',
        {},
        ...messages.map(({ from, name, length }) =>
          element(
            'li',
            { data: { from } },
            element('span.unseen', {}, `from the ${from === 'client' ? 'left' : 'right'}: `),
            `${name} `,
            element('span.size', {}, `${length} bytes`),
          ),
        ),
      );
    if (links.length === 1) {
      return element('div.middle', {}, element('p.name', {}, 'The network'), list(links[0]));
    }
    const [toA, toB] = links.map(({ ends }) => ends.client.digits);
    return element(
      'div.middle.man',
      {},
      element('p.name', {}, 'The man in the middle'),
      element(
        'p',
        {},
        'makes one exchange with each host. He sees ',
        element('span.own', {}, toA),
        ' and ',
        element('span.own', {}, toB),
        ', and has no way to make them equal.',
      ),
      element('div.two', {}, list(links[0]), list(links[1])),
    );
  }

  #verdict() {
    const { result } = this.#pair;
    const [kind, title, text] = RESULTS[this.#attacked ? 'man' : 'nobody'][result] ?? [
      'open',
      '',
      '',
    ];
    if (kind === 'open') {
      return element(
        'div.verdict',
        { data: { kind } },
        element('p', {}, 'Compare the digits, and answer on both hosts.'),
      );
    }
    return element(
      'div.verdict',
      { data: { kind, result } },
      element('h3', {}, title),
      element('p', {}, text),
      result === 'same' &&
        crypto.subtle &&
        element(
          'button',
          { type: 'button', onclick: () => this.#connect() },
          'Connect with this key',
        ),
    );
  }

  /** A key file's content is hashed to become a pre-shared key. */
  async #connect() {
    const psk = await crypto.subtle.digest('SHA-256', this.#pair.hosts.client.key);
    this.#use(new Uint8Array(psk));
  }
}

const NO_KEY = ['noticed', 'No key was made.'];
const ONE =
  'A “no” on one host cannot undo a “yes” on the other. Its user has to say it there, too: that key file is to be deleted.';

const RESULTS = {
  nobody: {
    same: [
      'good',
      'Both hosts have the same key.',
      '32 random bytes, which nobody else can know, not even by recording everything above.',
    ],
    none: [...NO_KEY, 'One “no” ends the pairing for both.'],
  },
  man: {
    different: [
      'unnoticed',
      'The man in the middle has a key with each of them.',
      'He can read and change all they will ever send. The digits differed: nothing else could have shown him.',
    ],
    one: ['unnoticed', 'One host has a key, and so has the man in the middle.', ONE],
    none: [...NO_KEY, 'The digits differed, so there was somebody in the middle. He has nothing.'],
  },
};

function state({ status, failure }) {
  return failure ? `failed: ${failure.val ?? failure.tag}` : status.tag;
}

/** 32 bytes at each call: random, or always the same ones. */
function entropy(given) {
  let calls = 0;
  return () => {
    if (!given) return crypto.getRandomValues(new Uint8Array(32));
    calls += 1;
    return Uint8Array.from(
      { length: 32 },
      (_, index) => parseInt(given.slice(2 * index, 2 * index + 2), 16) ^ calls,
    );
  };
}
