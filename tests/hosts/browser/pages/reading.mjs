// How the page is read.

import { readFileSync } from 'node:fs';

/** The page has loaded what it needs. */
export const ready = (page) =>
  page.waitForFunction(() => document.documentElement.dataset.state === 'ready');

/** The steps that can be seen, as they are shown. */
export const steps = (page) =>
  page.locator('.step:not(.ahead)').evaluateAll((items) =>
    items.map((item) => {
      const text = (selector) => item.querySelector(selector)?.textContent;
      const side = (name) => ({
        note: text(`.note.${name} .what`),
        text: text(`.note.${name} blockquote`),
        state: text(`.note.${name} .state`),
      });
      return {
        from: item.dataset.from,
        title: text('h3'),
        size: text('.size'),
        attack: text('.attack'),
        bytes: [...item.querySelectorAll('.byte')].map((byte) => parseInt(byte.textContent, 16)),
        client: side('client'),
        server: side('server'),
      };
    }),
  );

/** What came of it, once all steps are shown. */
export async function verdict(page) {
  const shown = page.locator('#outcome:not(.ahead) .verdict');
  return {
    kind: await shown.getAttribute('data-kind'),
    title: await shown.locator('h3').textContent(),
    faults: await shown.locator('.fault').allTextContents(),
    text: await shown.textContent(),
  };
}

/** What an interface says about a case, in one line, with real apostrophes. */
export function words(file, type, name) {
  const text = readFileSync(new URL(`../../../../wit/${file}`, import.meta.url), 'utf8');
  const [, body] = text.match(new RegExp(`(?:enum|variant) ${type} \\{\\n([^}]*)\\}`));
  const [, doc] = body.match(new RegExp(`((?: *///.*\\n)+) *${name}[(,]`));
  return doc
    .replaceAll(/\s*\/\/\/ /g, ' ')
    .trim()
    .replaceAll('`', '')
    .replaceAll("'", '’');
}
