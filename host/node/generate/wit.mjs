// Reads the part of the WIT language that wit/ uses. What it does not know is an
// error: nothing is left out in silence.

const EXPORTED = 'portable';

/**
 * @param {string[]} files
 * @returns {{ version: string, interfaces: object[] }} those that the portable world
 *   exports
 */
export function parse(files) {
  const scans = files.map((text) => new Parser(text).file());
  const interfaces = new Map(scans.flatMap((scan) => scan.interfaces).map((i) => [i.name, i]));
  const world = scans.flatMap((scan) => scan.worlds).find(({ name }) => name === EXPORTED);
  return {
    package: scans[0].package,
    docs: scans[0].docs,
    interfaces: world.exports.map((name) => interfaces.get(name)),
  };
}

/** Types in an order in which each comes after those it uses. */
function usedFirst(types) {
  const ordered = new Set();
  const add = (type) => {
    const used = [type.type, ...[...(type.cases ?? []), ...(type.fields ?? [])].map((one) => one.type)];
    types.filter(({ name }) => used.includes(name)).forEach(add);
    ordered.add(type);
  };
  types.forEach(add);
  return [...ordered];
}

/** Words, punctuation, and documentation with what follows it. */
const TOKEN = /\s*(?:\/\/\/ ?(.*)\n|\/\/.*\n|(->|[{}()<>,:;=@./]|[a-z0-9_%-]+(?:\.[0-9]+)*))/y;

class Parser {
  #tokens = [];
  #docs = [];

  constructor(text) {
    TOKEN.lastIndex = 0;
    let docs = [];
    while (text.slice(TOKEN.lastIndex).trim() !== '') {
      const start = TOKEN.lastIndex;
      const found = TOKEN.exec(text);
      if (!found) {
        throw new Error(`what is this: ${text.slice(start, start + 40)}`);
      }
      if (found[1] !== undefined) {
        docs.push(found[1]);
      } else if (found[2] !== undefined) {
        this.#tokens.push(found[2]);
        this.#docs.push(docs.join('\n'));
        docs = [];
      }
    }
    this.#tokens.reverse();
    this.#docs.reverse();
  }

  file() {
    const file = { interfaces: [], worlds: [], docs: this.#doc() };
    this.#expect('package');
    file.package = [this.#next(), this.#expect(':'), this.#next()].join('');
    this.#expect('@');
    file.package += `@${this.#next()}`;
    this.#expect(';');
    while (this.#tokens.length > 0) {
      const docs = this.#doc();
      const kind = this.#next();
      if (kind === 'interface') {
        file.interfaces.push({ docs, ...this.#interface() });
      } else if (kind === 'world') {
        file.worlds.push(this.#world());
      } else {
        throw new Error(`what is ${kind}?`);
      }
    }
    return file;
  }

  #world() {
    const world = { name: this.#next(), exports: [] };
    this.#items('{', '}', () => {
      const kind = this.#next();
      const name = this.#next();
      this.#expect(';');
      if (kind === 'export') {
        world.exports.push(name);
      }
    });
    return world;
  }

  #interface() {
    const result = { name: this.#next(), uses: [], types: [] };
    this.#items('{', '}', () => {
      const docs = this.#doc();
      const kind = this.#next();
      if (kind === 'use') {
        result.uses.push(...this.#use());
      } else if (kind === 'resource') {
        result.resource = { docs, ...this.#resource() };
      } else {
        result.types.push({ kind, docs, ...this.#typeDefinition(kind) });
      }
    });
    result.types = usedFirst(result.types);
    return result;
  }

  #use() {
    const from = this.#next();
    const names = [];
    this.#expect('.');
    this.#items('{', '}', () => names.push({ from, name: this.#next() }), ',');
    this.#expect(';');
    return names;
  }

  #typeDefinition(kind) {
    const name = this.#next();
    switch (kind) {
      case 'type': {
        this.#expect('=');
        const type = this.#type();
        this.#expect(';');
        return { name, type };
      }
      case 'enum':
      case 'variant':
        return { name, cases: this.#list('{', '}', () => this.#case()) };
      case 'record':
        return { name, fields: this.#list('{', '}', () => this.#named()) };
      default:
        throw new Error(`what is ${kind}?`);
    }
  }

  #case() {
    const one = { docs: this.#doc(), name: this.#next(), type: null };
    if (this.#accept('(')) {
      one.type = this.#type();
      this.#expect(')');
    }
    return one;
  }

  #named() {
    const docs = this.#doc();
    const name = this.#next();
    this.#expect(':');
    return { docs, name, type: this.#type() };
  }

  #resource() {
    const resource = { name: this.#next(), functions: [] };
    this.#items('{', '}', () => {
      const docs = this.#doc();
      const name = this.#next();
      let kind = 'constructor';
      if (name !== 'constructor') {
        this.#expect(':');
        kind = this.#accept('static') ? 'static' : 'method';
        this.#expect('func');
      }
      const parameters = this.#list('(', ')', () => this.#named());
      const result = this.#accept('->') ? this.#type() : null;
      this.#expect(';');
      resource.functions.push({ docs, name, kind, parameters, result });
    });
    return resource;
  }

  /** A name, or `{ name, of }` for one with parameters. */
  #type() {
    const name = this.#next();
    const of = [];
    if (this.#accept('<')) {
      do {
        of.push(this.#accept('_') ? null : this.#type());
      } while (this.#accept(','));
      this.#expect('>');
    }
    return of.length > 0 ? { name, of } : name;
  }

  #list(open, close, item) {
    const items = [];
    this.#items(open, close, () => items.push(item()), ',');
    return items;
  }

  #items(open, close, item, separator) {
    this.#expect(open);
    while (!this.#accept(close)) {
      item();
      if (separator && !this.#accept(separator)) {
        this.#expect(close);
        return;
      }
    }
  }

  #doc() {
    return this.#docs.at(-1);
  }

  #next() {
    this.#docs.pop();
    return this.#tokens.pop();
  }

  #accept(token) {
    return this.#tokens.at(-1) === token && this.#next() !== undefined;
  }

  #expect(token) {
    const found = this.#next();
    if (found !== token) {
      throw new Error(`${token} was expected, not ${found}`);
    }
    return found;
  }
}
