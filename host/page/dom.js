// Making elements.

/**
 * @param {string} tag with classes, as in `p.note.client`
 * @param {object} properties of the element; `data` and `aria` are sets of attributes
 * @param {...(Node | string | null | undefined | false)} children those that are
 *   nothing are left out
 */
export function element(tag, { data = {}, aria = {}, ...properties } = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const made = Object.assign(document.createElement(name), properties);
  made.classList.add(...classes);
  Object.assign(made.dataset, data);
  for (const [key, value] of Object.entries(aria)) {
    made.setAttribute(`aria-${key}`, value);
  }
  made.append(
    ...children.filter((child) => child !== undefined && child !== null && child !== false),
  );
  return made;
}

/** Text of the interface, with its `code` marked as such. */
export function prose(text) {
  return text
    .replaceAll("'", '’')
    .split('`')
    .map((part, index) => (index % 2 === 1 ? element('code', {}, part) : part))
    .filter((part) => part !== '');
}

/** @param {string} selector */
export const find = (selector, within = document) => within.querySelector(selector);

/** What a screen reader is to say, now. */
export function announce(selector, text) {
  find(selector).textContent = text;
}
