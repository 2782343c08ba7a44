// Prints connections as the page shows them: transcript.mjs QUERY
// The query fixes what is otherwise random: see host/page/connection.js. A line is
// a step: key exchange, who sends, the bytes in hexadecimal, the texts of client and
// server, with tabs between.

import { launch, servePage, visit } from './browser.mjs';
import { ready, steps } from './pages/reading.mjs';

const [query] = process.argv.slice(2);
const [browser, server] = await Promise.all([launch(), servePage()]);
try {
  const { page } = await visit(browser, server.url, { reducedMotion: 'reduce' });
  await page.goto(`${server.url}${query}`);
  await ready(page);
  await page.click('#last');
  for (const exchange of ['x25519', 'modp2048']) {
    await page.check(`[value="${exchange}"]`);
    // What is unfolded stays so with the other key exchange.
    for (
      let folded;
      (folded = page.locator('.more[aria-expanded="false"]').first()), await folded.count();
    ) {
      await folded.click();
    }
    for (const { from, bytes, client, server } of await steps(page)) {
      console.log(
        [
          exchange,
          from,
          Buffer.from(bytes).toString('hex'),
          client.text ?? '',
          server.text ?? '',
        ].join('\t'),
      );
    }
  }
} finally {
  await browser.close();
  server.stop();
}
