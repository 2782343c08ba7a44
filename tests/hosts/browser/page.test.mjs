// The page, clicked through: node --test page.test.mjs
// All of it in one browser, so that it starts once.

import './pages/connection.mjs';
import './pages/attacker.mjs';
import './pages/pairing.mjs';
import './pages/readers.mjs';
import './pages/files.mjs';
