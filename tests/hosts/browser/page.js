// Shows an exchange as a transcript, whole or step by step.
//
// The query may fix what is otherwise random, for tests and for a picture that
// is the same each time: `psk`, `client` and `server`, all in hexadecimal.

import { compile, exchange, FLIPPED } from './exchange.js';

const list = document.querySelector('#steps');
const result = document.querySelector('#result');
const template = document.querySelector('#step');
const play = document.querySelector('#play');

/** How many steps are shown. */
let position = 0;
let timer;

/** Makes a connection and shows all of it. */
function connect(modules) {
  const given = new URLSearchParams(location.search);
  const bytes = (name, length) =>
    given.has(name) ? unhex(given.get(name)) : crypto.getRandomValues(new Uint8Array(length));
  const entropy = { client: bytes('client', 64), server: bytes('server', 64) };
  const steps = exchange(modules, bytes('psk', 32), entropy);
  list.replaceChildren(...steps.map(row));
  show(steps.length);
  conclude(steps);
}

/** The list item for a step. */
function row(step, index, steps) {
  const item = template.content.cloneNode(true).firstElementChild;
  const find = (selector) => item.querySelector(selector);
  const before = steps[index - 1];
  item.dataset.from = step.from ?? 'both';
  item.dataset.client = step.status.client.split(':')[0];
  item.dataset.server = step.status.server.split(':')[0];
  item.classList.toggle('ended', step.bytes?.length === 0);
  item.classList.toggle('forged', step.status.server.startsWith('failed'));
  if (step.stage !== before?.stage) {
    find('.wire').dataset.stage = step.stage;
  }
  for (const side of ['client', 'server']) {
    find(`.${side} .what`).textContent = step.notes[side];
    const text = step.from === side ? step.plain : step.arrived;
    if (step.plain && text) {
      quote(find(`.${side} blockquote`), side, text);
    }
    if (step.status[side] !== before?.status[side]) {
      const state = find(`.${side} .state`);
      state.textContent = step.status[side];
      state.dataset.state = item.dataset[side];
      state.hidden = false;
    }
  }
  find('.title').textContent = step.title;
  if (step.notes.wire) {
    find('.meaning').textContent = step.notes.wire;
    find('.meaning').hidden = false;
  }
  if (step.from) {
    find('.size').textContent = `${step.bytes.length} bytes`;
    find('.parts').replaceChildren(...step.parts.map(part));
    dump(find('.bytes'), step);
  }
  return item;
}

function quote(element, side, text) {
  element.textContent = text;
  element.dataset.text = side;
  element.hidden = false;
}

/** A part of a message, as wide as it is long. */
function part({ name, length, kind }) {
  const element = document.createElement('span');
  element.className = kind;
  element.style.flexGrow = length;
  element.title = `${name}: ${length} bytes`;
  element.textContent = length < 16 ? '' : `${name} ${length}`;
  return element;
}

/** All bytes; style.css cuts them off after the first line until asked. */
function dump(element, { from, bytes, parts, status }) {
  let start = 0;
  const spans = parts.map(({ kind, length }) => {
    const span = document.createElement('span');
    span.className = kind;
    span.textContent = hex(bytes.subarray(start, start + length)) + ' ';
    start += length;
    return span;
  });
  if (status.server.startsWith('failed')) {
    mark(spans[0]);
  }
  element.replaceChildren(...spans);
  element.dataset.bytes = from;
  const toggle = () => element.classList.toggle('all');
  element.addEventListener('click', toggle);
  element.addEventListener('keydown', ({ key }) => key === 'Enter' && toggle());
}

/** Marks the byte that was changed. */
function mark(span) {
  const before = 3 * FLIPPED;
  const text = span.textContent;
  const changed = document.createElement('mark');
  changed.textContent = text.slice(before, before + 2);
  span.replaceChildren(text.slice(0, before), changed, text.slice(before + 2));
}

/** Says, also to the test, whether all went as it should. */
function conclude(steps) {
  const messages = steps.filter(({ plain }) => plain);
  const forged = messages.pop();
  const intact = messages.every(({ plain, arrived }) => plain === arrived);
  const refused = forged.arrived === '' && forged.status.server === 'failed: forged-packet 3';
  const sent = steps.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  const said = messages.reduce((sum, { plain }) => sum + plain.length, 0);
  const good = intact && refused;
  result.dataset.result = good ? 'ok' : 'failed';
  result.textContent = good
    ? `${said} bytes of text arrived unchanged, in ${sent} bytes on the network. The packet that was changed was refused.`
    : 'This went wrong: see the steps above.';
}

/** Shows the first `count` steps. */
function show(count) {
  const items = [...list.children];
  position = Math.max(0, Math.min(count, items.length));
  items.forEach((item, index) => {
    item.classList.toggle('ahead', index >= position);
    item.classList.toggle('now', index === position - 1 && position < items.length);
  });
  document.querySelector('#position').textContent = `${position} / ${items.length}`;
}

function step(by) {
  pause();
  show(position + by);
  list.children[position - 1]?.scrollIntoView({ block: 'nearest' });
}

function start() {
  if (position === list.children.length) {
    show(0);
  }
  play.textContent = 'Pause';
  timer = setInterval(() => {
    show(position + 1);
    list.children[position - 1].scrollIntoView({ block: 'center', behavior: 'smooth' });
    if (position === list.children.length) {
      pause();
    }
  }, 2500);
}

function pause() {
  clearInterval(timer);
  timer = undefined;
  play.textContent = 'Play';
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
const unhex = (text) => Uint8Array.from(text.match(/../g), (byte) => parseInt(byte, 16));

try {
  const modules = await compile();
  connect(modules);
  const on = (id, action) => document.querySelector(id).addEventListener('click', action);
  on('#first', () => step(-Infinity));
  on('#back', () => step(-1));
  on('#forward', () => step(1));
  on('#play', () => (timer ? pause() : start()));
  on('#again', () => {
    pause();
    connect(modules);
  });
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'ArrowRight' || key === 'ArrowLeft') {
      step(key === 'ArrowRight' ? 1 : -1);
    }
  });
} catch (error) {
  result.dataset.result = 'error';
  result.textContent = `${error.message} (run tests/hosts/browser/setup.sh, then serve.mjs)`;
}
