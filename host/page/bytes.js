// The bytes of a message, as an eavesdropper sees them, each of them a button
// for the attacker. One of them is in the order of the Tab key; the arrow keys
// move between them.

import { element } from './dom.js';

/** How many are shown unless all are asked for: one line. */
const shown = () => (matchMedia('(max-width: 50rem)').matches ? 11 : 16);

/**
 * @param {object} step as in conversation.js
 * @param {object} about
 * @param {string} about.what the message is called
 * @param {boolean} about.whole whether to show all of it
 * @param {() => void} about.toggle called when more or fewer are asked for
 * @param {(at: number) => void} about.strike called with the byte that was chosen
 */
export function dump(step, { what, whole, toggle, strike }) {
  const { bytes } = step;
  const fits = bytes.length <= shown() + 1;
  const length = whole || fits ? bytes.length : shown();
  const kinds = step.parts.flatMap(({ kind, length }) => new Array(length).fill(kind));
  const buttons = Array.from(bytes.subarray(0, length), (byte, at) => {
    const hex = byte.toString(16).padStart(2, '0');
    const button = element(
      `button.byte.${kinds[at]}`,
      {
        type: 'button',
        tabIndex: -1,
        data: { at },
        aria: {
          label: `byte ${at}: ${hex}${fate(step, at)}`,
          pressed: at === step.flipped || at === step.cut,
        },
      },
      hex,
    );
    button.classList.toggle('lost', at >= step.cut);
    return button;
  });
  const current = buttons[step.flipped ?? step.cut] ?? buttons[0];
  current.tabIndex = 0;
  const group = element(
    'div.bytes',
    { role: 'group', aria: { label: `${what}: ${bytes.length} bytes on the network` } },
    ...buttons,
  );
  group.addEventListener('click', ({ target }) => {
    const button = target.closest('.byte');
    if (button) strike(Number(button.dataset.at));
  });
  group.addEventListener('keydown', (event) => move(event, group, buttons));
  const more =
    !fits &&
    element(
      'button.more',
      { type: 'button', onclick: toggle, aria: { expanded: whole } },
      whole ? 'fewer' : `+${bytes.length - length}`,
      element('span.unseen', {}, whole ? ' bytes' : ` bytes: show all ${bytes.length}`),
    );
  return element(`div.dump${whole ? '.whole' : ''}`, {}, group, more);
}

function fate({ flipped, cut }, at) {
  if (at === flipped) return ', changed by the attacker';
  return at >= cut ? ', never arrives' : '';
}

function move(event, group, buttons) {
  const now = buttons.indexOf(event.target);
  if (now < 0 || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const columns = buttons.findIndex(({ offsetTop }) => offsetTop > buttons[0].offsetTop);
  const row = columns > 0 ? columns : buttons.length;
  const target = {
    ArrowRight: now + 1,
    ArrowLeft: now - 1,
    ArrowDown: now + row,
    ArrowUp: now - row,
    Home: 0,
    End: buttons.length - 1,
  }[event.key];
  if (target === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  if (!buttons[target]) return;
  group.querySelector('[tabindex="0"]').tabIndex = -1;
  buttons[target].tabIndex = 0;
  buttons[target].focus();
}
