// The words of the interface: what the WIT says about each case of its types.

/**
 * Reads the documentation of all cases of enums and variants.
 *
 * @param {string} text a WIT file
 * @returns {Map<string, string>} by type and case, as in `peer-fault/wrong-key`
 */
export function cases(text) {
  const words = new Map();
  let type;
  let doc = [];
  for (const line of text.split('\n').map((indented) => indented.trim())) {
    if (line.startsWith('///')) {
      doc.push(line.slice(3).trim());
      continue;
    }
    const opened = line.match(/^(?:enum|variant) ([a-z0-9-]+) \{/);
    const named = line.match(/^([a-z0-9-]+)(?:\(.*\))?,$/);
    if (opened) {
      type = opened[1];
    } else if (line === '}') {
      type = undefined;
    } else if (type && named) {
      words.set(`${type}/${named[1]}`, doc.join(' '));
    }
    doc = [];
  }
  return words;
}
