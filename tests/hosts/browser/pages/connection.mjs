// A connection without an attacker: playing it, and what is shown.

import assert from 'node:assert/strict';

import { steps, verdict } from './reading.mjs';
import { pageTest } from './shared.mjs';

/** Time passes only when a test says so. */
async function withClock(page) {
  await page.clock.install({ time: 0 });
  await page.clock.pauseAt(1000);
}
const MOVING = { reducedMotion: 'no-preference', prepare: withClock };
const position = (page) => page.locator('#position').textContent();

pageTest('the page starts at step 0 and plays to the end by itself', MOVING, async (page) => {
  assert.equal(await position(page), '0 / 12');
  assert.deepEqual(await steps(page), []);
  await page.clock.runFor(1000);
  assert.equal(await position(page), '1 / 12');
  await page.clock.runFor(40_000);
  assert.equal(await position(page), '12 / 12');
  assert.equal((await verdict(page)).kind, 'good');
  assert.equal(await page.locator('#play').textContent(), 'Play');
});

pageTest('it can be paused, stepped back and on, and played again', MOVING, async (page) => {
  await page.clock.runFor(4000);
  await page.click('#play');
  assert.equal(await position(page), '2 / 12');
  await page.clock.runFor(60_000);
  assert.equal(await position(page), '2 / 12');
  await page.click('#back');
  assert.equal(await position(page), '1 / 12');
  await page.click('#last');
  assert.equal(await position(page), '12 / 12');
  assert.ok(await page.isDisabled('#forward'));
  await page.click('#first');
  assert.ok(await page.isDisabled('#back'));
  await page.click('#play');
  await page.clock.runFor(60_000);
  assert.equal(await position(page), '12 / 12');
});

pageTest('the key exchange can be changed while it plays', MOVING, async (page) => {
  await page.clock.runFor(12_000);
  const before = await position(page);
  await page.check('[value="x25519"]');
  assert.equal(await position(page), before);
  await page.clock.runFor(60_000);
  assert.equal(await position(page), '12 / 12');
  assert.match((await steps(page))[11].title, /End mark/);
});

pageTest('it stops playing when it is scrolled out of sight', MOVING, async (page) => {
  await page.clock.runFor(4000);
  await page.evaluate(() =>
    document.querySelector('#component').scrollIntoView({ behavior: 'instant' }),
  );
  await page.waitForFunction(() => document.querySelector('#play').textContent === 'Play');
});

pageTest(
  'readers who prefer no motion start it themselves',
  { prepare: withClock },
  async (page) => {
    await page.clock.runFor(60_000);
    assert.equal(await position(page), '0 / 12');
    assert.equal(await page.locator('#play').textContent(), 'Play');
  },
);

const EXPECTED = {
  modp2048: { share: 288, ends: 'no bytes' },
  x25519: { share: 64, ends: '1060 bytes, end' },
};

for (const [exchange, { share, ends }] of Object.entries(EXPECTED)) {
  pageTest(`both ends and the network are shown at every step of ${exchange}`, {}, async (page) => {
    await page.check(`[value="${exchange}"]`);
    if (await page.isEnabled('#first')) await page.click('#first');
    for (let count = 0; count <= 12; count++) {
      assert.equal((await steps(page)).length, count);
      if (count < 12) await page.click('#forward');
    }
    const shown = await steps(page);
    assert.deepEqual(
      shown.map(({ from, size }) => [from, size ?? '']),
      [
        ['client', '32 bytes'],
        ['server', '32 bytes'],
        ['client', `${share} bytes`],
        ['server', `${share} bytes`],
        ['both', ''],
        ['client', '1060 bytes'],
        ['server', '1060 bytes'],
        ['client', '1060 bytes'],
        ['client', '1060 bytes'],
        ['server', '2120 bytes'],
        ['client', ends],
        ['server', ends],
      ],
    );
    assert.equal(shown[4].client.state, 'established');
    assert.equal(shown[4].server.state, 'established');
    assert.equal(shown[11].client.state, 'ended');
    assert.equal(shown[11].server.state, 'ended');
    for (const { client, server } of shown) {
      assert.ok(client.note.length > 15 && server.note.length > 15);
      assert.equal(client.text, server.text);
    }
    assert.equal((await verdict(page)).kind, 'good');
  });
}

pageTest('every connection has other bytes', {}, async (page) => {
  await page.click('#last');
  const before = await steps(page);
  await page.click('#again');
  await page.click('#last');
  const after = await steps(page);
  for (const [index, { bytes }] of before.entries()) {
    if (bytes.length > 0) assert.notDeepEqual(bytes, after[index].bytes);
  }
});
