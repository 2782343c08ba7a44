// The section with a connection: what is chosen, what comes of it, and which of
// its steps are shown.

import { instantiate } from './spiped-pipe/component.js';
import { converse } from './conversation.js';
import { announce, element, find } from './dom.js';
import { Player } from './player.js';
import { TARGETS } from './story.js';
import { headline, row } from './transcript.js';
import { judge, show } from './verdict.js';

const list = find('#steps');
const outcome = find('#outcome');
const section = find('#connection');
const motion = matchMedia('(prefers-reduced-motion: no-preference)');

const HINTS = {
  none: 'Choose a byte to change it.',
  flip: 'Choose another byte to change it.',
  cut: 'Choose a byte to cut before it.',
  'wrong-key': 'The ends have different keys.',
};

export class Connection {
  #module;
  #words;
  #player = new Player((change) => this.#showSteps(change));
  #numbers;
  #exchange = 'modp2048';
  /** What is chosen, and where: see TARGETS. */
  #attacker = 'none';
  #attack;
  /** Which messages are shown whole. */
  #whole = new Set();
  #steps = [];
  #verdict;
  /** Whether the page scrolls along while it plays. */
  #follows = true;

  /**
   * @param {WebAssembly.Module} module
   * @param {Map<string, string>} words of the interface
   * @param {URLSearchParams} given what is otherwise random, for tests and pictures:
   *   `psk`, `client` and `server`, in hexadecimal
   */
  constructor(module, words, given) {
    this.#module = module;
    this.#words = words;
    this.#numbers = numbers(given);
    this.#listen();
    this.#run();
  }

  /** Plays from the start, unless the reader would rather not see things move. */
  begin() {
    this.#player.go(0);
    if (motion.matches) this.#player.play();
  }

  /** Connects anew with a key that both ends have. */
  useKey(psk) {
    this.#numbers = { ...numbers(new URLSearchParams()), psk };
    this.#choose('attacker', 'none');
    section.scrollIntoView();
    this.begin();
  }

  /** Makes the connection, and shows all of it or its first steps. */
  #run(position = Infinity) {
    const { psk, other, entropy } = this.#numbers;
    const connect = () =>
      converse({
        instances: Array.from({ length: 3 }, () => instantiate(this.#module)),
        exchange: this.#exchange,
        psks: { client: this.#attacker === 'wrong-key' ? other : psk, server: psk },
        entropy,
        attack: this.#attack,
      });
    let made = connect();
    if (this.#attack && !(made.steps[this.#attack.step]?.bytes?.length > this.#attack.at)) {
      // The other key exchange has no such byte.
      this.#attack = TARGETS[this.#attack.kind];
      made = connect();
    }
    this.#steps = made.steps;
    this.#verdict = judge(made, this.#attacker !== 'none');
    this.#render();
    this.#player.load(made.steps.length, position);
  }

  #render() {
    const focused = document.activeElement?.closest?.('#steps .byte, #steps .more');
    const place = focused && [
      [...list.children].indexOf(focused.closest('.step')),
      focused.dataset.at,
    ];
    const handlers = {
      whole: (step) => this.#whole.has(step),
      toggle: (step) => {
        if (!this.#whole.delete(step)) this.#whole.add(step);
        this.#render();
        this.#player.go(this.#player.position);
      },
      strike: (step, at) => this.#strike(step, at),
    };
    list.replaceChildren(
      ...this.#steps.map((step, index) => row(step, this.#steps[index - 1], handlers, index)),
    );
    outcome.replaceChildren(show(this.#verdict, this.#words, this.#next()));
    find('#hint').textContent = HINTS[this.#attacker];
    if (place) {
      const [step, at] = place;
      const item = list.children[step];
      find(at === undefined ? '.more' : `[data-at="${at}"]`, item ?? document)?.focus({
        preventScroll: true,
      });
    }
  }

  /** The attacker chooses a byte; the same again undoes it. */
  #strike(step, at) {
    const kind = this.#attacker === 'cut' ? 'cut' : 'flip';
    const same =
      this.#attack?.kind === kind && this.#attack.step === step && this.#attack.at === at;
    this.#choose('attacker', same ? 'none' : kind);
    this.#attack = same ? undefined : { kind, step, at };
    this.#run();
  }

  #choose(name, value) {
    find(`input[name="${name}"][value="${value}"]`, section).checked = true;
    if (name === 'exchange') {
      this.#exchange = value;
    } else {
      this.#attacker = value;
      this.#attack = TARGETS[value];
    }
  }

  /** What to try now. */
  #next() {
    const offer = (text, name, value) =>
      element('button', { type: 'button', onclick: () => this.#change(name, value) }, text);
    if (this.#attacker === 'none') {
      return offer('Now be the attacker: change a byte', 'attacker', 'flip');
    }
    if (this.#attacker === 'flip') {
      return offer('Now cut the stream between two packets', 'attacker', 'cut');
    }
    if (this.#attacker === 'cut') {
      return this.#exchange === 'modp2048'
        ? offer('Cut it again, with X25519', 'exchange', 'x25519')
        : offer('Now try a wrong key', 'attacker', 'wrong-key');
    }
    return undefined;
  }

  #change(name, value) {
    const { isPlaying, position, isAtEnd } = this.#player;
    const attack = this.#attack;
    this.#choose(name, value);
    if (name === 'exchange') this.#attack = attack;
    if (name === 'exchange' && this.#attacker === 'none') {
      this.#run(isAtEnd ? Infinity : position);
      if (isPlaying) this.#player.play();
    } else {
      this.#run();
      this.#reveal(find('.step[data-attack="cut"], .step[data-attack="flip"]', list));
    }
  }

  #reveal(item) {
    item?.scrollIntoView({ block: 'center', behavior: motion.matches ? 'smooth' : 'auto' });
  }

  #showSteps({ position, count, playing, byItself }) {
    [...list.children].forEach((item, index) => {
      item.classList.toggle('ahead', index >= position);
      item.classList.toggle('now', byItself && index === position - 1);
    });
    outcome.classList.toggle('ahead', position < count);
    find('#position').textContent = `${position} / ${count}`;
    find('#play').textContent = playing ? 'Pause' : 'Play';
    find('#first').disabled = find('#back').disabled = position === 0;
    find('#last').disabled = find('#forward').disabled = position === count;
    announce('#said', position > 0 ? this.#report(position, count, byItself) : '');
    if (byItself && this.#follows) {
      this.#shown().scrollIntoView({ block: 'nearest', behavior: 'smooth' });
    }
  }

  /** The last that is shown. */
  #shown() {
    const { isAtEnd, position } = this.#player;
    return isAtEnd ? outcome : list.children[Math.max(position - 1, 0)];
  }

  /** For screen readers: what happened; in brief if the next step will follow soon. */
  #report(position, count, inBrief) {
    const step = this.#steps[position - 1];
    const { client, server, wire } = step.notes;
    const notes = [`Client: ${client}`, `Server: ${server}`];
    if (step.from === 'server') notes.reverse();
    return [
      `Step ${position} of ${count}. ${headline(step)}.`,
      ...(inBrief ? [] : [...notes, wire ?? '']),
      ...(position === count ? [find('.verdict', outcome).innerText] : []),
    ].join(' ');
  }

  #listen() {
    const on = (id, action) => find(id).addEventListener('click', action);
    on('#first', () => this.#step(-Infinity));
    on('#back', () => this.#step(-1));
    on('#forward', () => this.#step(1));
    on('#last', () => this.#step(Infinity));
    on('#play', () => {
      this.#follows = true;
      this.#player.isPlaying ? this.#player.pause() : this.#player.play();
    });
    on('#again', () => {
      this.#numbers = numbers(new URLSearchParams());
      this.#choose('attacker', 'none');
      this.#run(0);
      this.#player.play();
    });
    section.addEventListener('change', ({ target }) => this.#change(target.name, target.value));
    document.addEventListener('keydown', (event) => this.#key(event));
    for (const moves of ['wheel', 'touchmove']) {
      addEventListener(moves, () => (this.#follows = false), { passive: true });
    }
    new IntersectionObserver(([{ isIntersecting }]) => {
      if (!isIntersecting && this.#player.isPlaying) this.#player.pause();
    }).observe(section);
  }

  #step(by) {
    this.#player.step(by);
    this.#shown().scrollIntoView({ block: 'nearest' });
  }

  /** Arrow keys step, where they mean nothing else; Escape undoes an attack. */
  #key(event) {
    const { key, target } = event;
    if (event.altKey || event.ctrlKey || event.metaKey || target.matches('input')) return;
    if (target !== document.body && !section.contains(target)) return;
    if (key === 'Escape' && this.#attacker !== 'none') {
      this.#change('attacker', 'none');
    } else if (key === 'ArrowRight' || key === 'ArrowLeft') {
      event.preventDefault();
      const one = event.shiftKey ? Infinity : 1;
      this.#step(key === 'ArrowRight' ? one : -one);
    }
  }
}

/** What a connection is made from. */
function numbers(given) {
  const bytes = (name, length) =>
    given.has(name) ? unhex(given.get(name)) : crypto.getRandomValues(new Uint8Array(length));
  return {
    psk: bytes('psk', 32),
    other: bytes('other', 32),
    entropy: { client: bytes('client', 64), server: bytes('server', 64) },
  };
}

const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16));
