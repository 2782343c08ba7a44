// Two hosts that are paired, with and without a man in the middle.

import assert from 'node:assert/strict';

import { verdict, words } from './reading.mjs';
import { pageTest } from './shared.mjs';

const digits = (page) => page.locator('#pairing .digits').allTextContents();
const states = (page) => page.locator('#pairing .state').allTextContents();
const result = (page) => page.locator('#pairing .verdict').getAttribute('data-result');
const answer = (page, side, word) => page.click(`.host.${side} .${word}`);

pageTest('two hosts show the same digits, and then have the same key', {}, async (page) => {
  const [a, b] = await digits(page);
  assert.match(a, /^\d{4} \d{4} \d{4}$/);
  assert.equal(a, b);
  assert.deepEqual(await states(page), ['comparing', 'comparing']);
  await answer(page, 'client', 'yes');
  assert.deepEqual(await states(page), ['confirmed', 'comparing']);
  await answer(page, 'server', 'yes');
  assert.deepEqual(await states(page), ['agreed', 'agreed']);
  assert.equal(await result(page), 'same');

  await page.click('text=Connect with this key');
  await page.click('#last');
  assert.equal((await verdict(page)).kind, 'good');
});

pageTest('one “no” ends a pairing on both hosts', {}, async (page) => {
  await answer(page, 'server', 'yes');
  await answer(page, 'client', 'no');
  assert.deepEqual(await states(page), ['failed: rejected', 'failed: truncated']);
  assert.equal(await result(page), 'none');
  const [rejected, truncated] = await page.locator('#pairing .words').allTextContents();
  assert.equal(rejected, words('pairing.wit', 'failure', 'rejected'));
  assert.equal(truncated, words('pairing.wit', 'peer-fault', 'truncated'));
  const before = await digits(page);
  await page.click('#pair');
  assert.notDeepEqual(await digits(page), before);
});

pageTest('a man in the middle makes the digits differ', {}, async (page) => {
  await page.check('[value="man"]');
  const [a, b] = await digits(page);
  assert.notEqual(a, b);
  await answer(page, 'client', 'no');
  await answer(page, 'server', 'no');
  assert.deepEqual(await states(page), ['failed: rejected', 'failed: rejected']);
  assert.equal(await result(page), 'none');
});

pageTest('whoever does not compare is the man in the middle’s', {}, async (page) => {
  await page.check('[value="man"]');
  await answer(page, 'client', 'yes');
  await answer(page, 'server', 'yes');
  assert.deepEqual(await states(page), ['agreed', 'agreed']);
  assert.equal(await result(page), 'different');
  await page.click('#pair');
  await answer(page, 'client', 'yes');
  await answer(page, 'server', 'no');
  assert.equal(await result(page), 'one');
});
