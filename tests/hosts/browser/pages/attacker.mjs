// What the attacker can do, and who notices.

import assert from 'node:assert/strict';

import { steps, verdict, words } from './reading.mjs';
import { pageTest } from './shared.mjs';

const said = (fault) => words('pipe.wit', 'peer-fault', fault);

/** Who notices what if this byte of a message is changed. */
function fate(message, at) {
  if (message <= 2) return ['Both ends noticed.', ['truncated-in-handshake', 'wrong-key']];
  if (message === 3) return ['The client noticed.', ['wrong-key']];
  // By packet number, from 0 in each direction.
  const packet = { 5: 0, 6: 0, 7: 1, 8: 2, 9: 1, 10: 3, 11: 3 }[message] + Math.floor(at / 1060);
  const receiver = [5, 7, 8, 10].includes(message) ? 'server' : 'client';
  return [`The ${receiver} noticed.`, [`forged-packet ${packet}`]];
}

const MESSAGES = {
  modp2048: [0, 1, 2, 3, 5, 6, 7, 8, 9],
  x25519: [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11],
};

for (const [exchange, messages] of Object.entries(MESSAGES)) {
  pageTest(`whichever byte of ${exchange} is changed, an end notices`, {}, async (page) => {
    await page.check(`[value="${exchange}"]`);
    for (const message of messages) {
      const seen = await page.evaluate(strikeFirstAndLast, message);
      for (const { at, title, kind, faults, attack } of seen.struck) {
        assert.deepEqual([title, faults], fate(message, at), `byte ${at} of message ${message}`);
        assert.equal(kind, 'noticed');
        assert.match(attack, new RegExp(`one bit of byte ${at}:`));
      }
      assert.equal(seen.undone, 'good');
    }
  });
}

/** In the page: changes the first and the last byte, and undoes the latter. */
function strikeFirstAndLast(message) {
  const step = () => document.querySelectorAll('.step')[message];
  const verdict = () => document.querySelector('#outcome .verdict');
  const click = (selector, at = 0) => [...step().querySelectorAll(selector)].at(at).click();
  const toggle = () => step().querySelector('.more')?.click();
  toggle();
  const struck = [0, -1].map((at) => {
    click('.byte', at);
    return {
      at: Number([...step().querySelectorAll('.byte')].at(at).dataset.at),
      title: verdict().querySelector('h3').textContent,
      kind: verdict().dataset.kind,
      faults: [...verdict().querySelectorAll('.fault')].map(({ textContent }) => textContent),
      attack: step().querySelector('.attack').textContent,
    };
  });
  click('.byte', -1);
  toggle();
  return { struck, undone: verdict().dataset.kind };
}

pageTest('a fault is told in the words of the interface', {}, async (page) => {
  await page.check('[value="flip"]');
  const { title, faults, text } = await verdict(page);
  assert.equal(title, 'The server noticed.');
  assert.deepEqual(faults, ['forged-packet 1']);
  assert.ok(text.includes(said('forged-packet')), text);
  const [order, reset] = (await steps(page)).slice(7);
  assert.equal(order.server.text, undefined, 'nothing of it is passed on');
  assert.equal(reset.title, 'Server to client: Reset');
});

pageTest('a stream cut between packets looks complete with modp2048 alone', {}, async (page) => {
  await page.check('[value="cut"]');
  const unnoticed = await verdict(page);
  assert.deepEqual([unnoticed.kind, unnoticed.title], ['unnoticed', 'Nobody noticed.']);
  assert.match(unnoticed.text, /Pay Alice 100,/);
  assert.doesNotMatch(unnoticed.text, /only if Bob agrees/);
  const last = (await steps(page)).at(-1);
  assert.deepEqual([last.client.state, last.server.state], ['ended', 'ended']);

  await page.click('#outcome button:has-text("X25519")');
  const noticed = await verdict(page);
  assert.deepEqual([noticed.kind, noticed.title], ['noticed', 'Both ends noticed.']);
  assert.deepEqual(noticed.faults, ['truncated-before-end-mark']);
  assert.ok(noticed.text.includes(said('truncated-before-end-mark')), noticed.text);
});

for (const exchange of ['modp2048', 'x25519']) {
  pageTest(`a stream cut inside a packet is detected with ${exchange}`, {}, async (page) => {
    await page.check(`[value="${exchange}"]`);
    await page.check('[value="cut"]');
    await page.locator('.step').nth(8).locator('.byte').nth(5).click();
    const { kind, faults, text } = await verdict(page);
    assert.equal(kind, 'noticed');
    assert.ok(faults.includes('truncated-in-packet'), faults);
    assert.ok(text.includes(said('truncated-in-packet')), text);
  });

  pageTest(`a stream cut in the handshake of ${exchange} is detected`, {}, async (page) => {
    await page.check(`[value="${exchange}"]`);
    await page.check('[value="cut"]');
    for (const message of [3, 2, 1, 0]) {
      await page.locator('.step').nth(message).locator('.byte').nth(0).click();
      const { kind, faults } = await verdict(page);
      assert.equal(kind, 'noticed');
      assert.ok(faults.includes('truncated-in-handshake'), `${message}: ${faults}`);
    }
  });

  pageTest(`a wrong key is refused without a word with ${exchange}`, {}, async (page) => {
    await page.check(`[value="${exchange}"]`);
    await page.check('[value="wrong-key"]');
    const { title, faults, text } = await verdict(page);
    assert.equal(title, 'Both ends noticed.');
    assert.deepEqual(faults, ['truncated-in-handshake', 'wrong-key']);
    assert.ok(text.includes(said('wrong-key')) && text.includes(said('truncated-in-handshake')));
    const shown = await steps(page);
    assert.deepEqual([shown.length, shown[3].from, shown[3].size], [4, 'server', 'no bytes']);
  });
}
