// Runs a page that tests itself: run.mjs URL
// Its title has to become `passed`; everything else is a failure, with what the
// page said.

import { runInBrowser } from './browser.mjs';

const [url] = process.argv.slice(2);
await runInBrowser(url);
console.log('passed');
