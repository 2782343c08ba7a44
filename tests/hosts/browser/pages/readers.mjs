// Readers with a phone, a keyboard, a screen reader, or the lights off.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { steps, verdict } from './reading.mjs';
import { pageTest } from './shared.mjs';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const AXE = new URL(
  '../../../../target/hosts/browser/node_modules/axe-core/axe.min.js',
  import.meta.url,
);

pageTest('on a phone the names of the ends and the controls stay visible', PHONE, async (page) => {
  await page.tap('#last');
  for (const step of [0, 5, 11]) {
    await page
      .locator('.step')
      .nth(step)
      .evaluate((item) => item.scrollIntoView({ block: 'center' }));
    for (const selector of ['.end.client .name', '.end.server .name', '#play', '[value="flip"]']) {
      assert.ok(await isOnTop(page, selector), `${selector} at step ${step}`);
    }
  }
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await page.locator('.step').nth(7).locator('.byte').nth(3).tap();
  assert.deepEqual((await verdict(page)).faults, ['forged-packet 1']);
});

/** Whether a finger that goes there hits it. */
const isOnTop = (page, selector) =>
  page.locator(selector).evaluate((element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return (
      document
        .elementFromPoint(x + width / 2, y + height / 2)
        ?.closest(`.${element.classList[0] ?? 'none'}, #${element.id || 'none'}, label`) !== null
    );
  });

pageTest('everything can be done with the keyboard', {}, async (page) => {
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const focused = () =>
    page.evaluate(
      () =>
        document.activeElement.id ||
        document.activeElement.className ||
        document.activeElement.value,
    );
  /** Tabs until something has the focus, and checks that one can see where it is. */
  const tabTo = async (matches) => {
    for (let presses = 0; presses < 80; presses++) {
      await press('Tab');
      const seen = await page.evaluate(() => {
        const element = document.activeElement;
        const shown = element.matches('.choice input') ? element.nextElementSibling : element;
        return getComputedStyle(shown).outlineStyle !== 'none';
      });
      assert.ok(seen, `focus on ${await focused()}`);
      if (await page.evaluate((selector) => document.activeElement.matches(selector), matches))
        return;
    }
    assert.fail(`no ${matches} by the Tab key`);
  };
  // Steps, from wherever one is.
  await press('ArrowRight', 'ArrowRight', 'ArrowLeft');
  assert.equal((await steps(page)).length, 1);
  await press('Shift+ArrowRight');
  assert.equal((await steps(page)).length, 12);
  // The key exchange.
  await tabTo('[value="modp2048"]');
  await press('ArrowRight');
  assert.match((await steps(page))[3].size, /^64 /);
  // A byte.
  await tabTo('.step:nth-child(8) .byte');
  await press('ArrowRight', 'ArrowRight', 'Enter');
  assert.deepEqual((await verdict(page)).faults, ['forged-packet 1']);
  assert.match(
    await page.evaluate(() => document.activeElement.ariaLabel),
    /^byte 2: .. ?, changed by the attacker$/,
  );
  await press('Escape');
  assert.equal((await verdict(page)).kind, 'good');
  // All bytes of it.
  await tabTo('.step:nth-child(8) .more');
  await press('Enter');
  assert.equal(await page.locator('.step:nth-child(8) .byte').count(), 1060);
  await press('Enter');
  // What to try next, the player, the attacker.
  await tabTo('#outcome button');
  await press('Enter');
  assert.equal((await verdict(page)).kind, 'noticed');
  await tabTo('#first');
  await press('Enter');
  assert.equal((await steps(page)).length, 0);
  await tabTo('[name="attacker"]:checked');
  await press('ArrowRight');
  assert.deepEqual((await verdict(page)).faults, ['truncated-before-end-mark']);
  // Pairing.
  await tabTo('.host.client .yes');
  await press('Enter');
  await tabTo('.host.server .yes');
  await press('Space');
  assert.equal(await page.locator('#pairing .verdict').getAttribute('data-result'), 'same');
});

pageTest('a screen reader is told what happened', {}, async (page) => {
  const status = page.locator('#said[role="status"]');
  await page.click('#forward');
  assert.match(await status.textContent(), /^Step 1 of 12\. client to server: Nonce, 32 bytes\./);
  await page.check('[value="flip"]');
  assert.match(
    await status.textContent(),
    /^Step 9 of 9\. server to client: Reset, no bytes\..*The server noticed\..*forged-packet 1/s,
  );
  await page.click('.host.client .no');
  assert.match(
    await page.locator('#paired').textContent(),
    /Host A: failed: rejected\. Host B: failed: truncated\. No key was made\./,
  );
  for (const name of ['A connection', 'Pairing two hosts', 'The component']) {
    assert.equal(await page.getByRole('region', { name, exact: true }).count(), 1);
  }
  assert.equal(await page.getByRole('heading', { name: 'Client to server: Key share' }).count(), 1);
  assert.equal((await page.getByRole('button', { name: /^byte 0: / }).count()) > 5, true);
});

// Colours go with the scheme, layout with the device: two of four say it all.
for (const [device, options] of [
  ['a desktop in light', { colorScheme: 'light' }],
  ['a phone in the dark', { ...PHONE, colorScheme: 'dark' }],
]) {
  pageTest(`axe finds nothing on ${device}`, options, async (page) => {
    const [red] = await page.evaluate(() =>
      getComputedStyle(document.body).backgroundColor.match(/\d+/g),
    );
    assert.equal(Number(red) < 128, options.colorScheme === 'dark');
    // As much as there can be: an attack, some bytes unfolded, one host done.
    await page.check('[value="cut"]');
    await page.locator('.step:nth-child(1) .more').click();
    await page.check('[value="man"]');
    await page.click('.host.client .no');
    await page.evaluate(readFileSync(AXE, 'utf8'));
    assert.deepEqual(await page.evaluate(violations), []);
  });
}

/** In the page: what axe has against it. */
async function violations() {
  const { violations } = await axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    resultTypes: ['violations'],
    preload: false,
  });
  return violations.map(({ id, nodes }) => [
    id,
    ...nodes.slice(0, 3).map(({ html, failureSummary }) => `${html}: ${failureSummary}`),
  ]);
}
