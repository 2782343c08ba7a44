// lib/interface.js: the types and functions of the interface for lib/abi.js.

import { camel, quoted, typeName } from './names.mjs';

export function descriptions(model) {
  const lines = [
    '// Generated from wit/ by generate.mjs.',
    '',
    "import { bytes, enumeration, list, option, own, record, result, string } from './abi.js';",
    "import { u32, u64, variant } from './abi.js';",
    '',
  ];
  for (const home of model.interfaces) {
    for (const type of home.types) {
      const name = camel(typeName(model, home, type.name));
      lines.push(`const ${name} = ${definition(model, home, type)};`);
    }
    if (home.resource) {
      lines.push('', ...resource(model, home), '');
    }
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function definition(model, home, type) {
  const of = (one) => expression(model, home, one);
  switch (type.kind) {
    case 'type':
      return of(type.type);
    case 'enum':
      return `enumeration(\n${type.cases.map((one) => `  '${one.name}',\n`).join('')})`;
    case 'variant':
      return object('variant', type.cases.map((one) => [quoted(one.name), of(one.type)]));
    default:
      return object('record', type.fields.map((one) => [camel(one.name), of(one.type)]));
  }
}

function object(kind, entries) {
  return `${kind}({\n${entries.map(([name, type]) => `  ${name}: ${type},\n`).join('')}})`;
}

function expression(model, home, type) {
  if (type === null) {
    return 'null';
  }
  if (type.of) {
    const inner = type.of.map((one) => expression(model, home, one));
    return type.name === 'list' && type.of[0] === 'u8' ? 'bytes' : `${type.name}(${inner.join(', ')})`;
  }
  if (type === home.resource?.name) {
    return 'own';
  }
  return ['string', 'u8', 'u32', 'u64'].includes(type)
    ? type
    : camel(typeName(model, home, type));
}

function resource(model, home) {
  const { name, functions } = home.resource;
  const [scope, version] = model.package.split('@');
  const prefix = `${scope}/${home.name}@${version}#`;
  const described = ({ kind, name: method, parameters, result }) => {
    const path = kind === 'constructor' ? name : `${name}.${method}`;
    // A constructor that fails returns what it says, one that does not the handle.
    return [
      `export: '${prefix}[${kind}]${path}',`,
      `parameters: {${parameters.map((one) => ` ${camel(one.name)}: ${expression(model, home, one.type)},`).join('').replace(/,$/, ' ')}},`,
      `result: ${expression(model, home, result)},`,
    ];
  };
  const group = (kind) => functions
    .filter((one) => one.kind === kind)
    .flatMap((one) => [`    ${camel(one.name)}: {`, ...described(one).map((l) => `      ${l}`), '    },']);
  const constructor = functions.find(({ kind }) => kind === 'constructor');
  return [
    `export const ${camel(home.name)} = {`,
    `  name: '${name[0].toUpperCase()}${camel(name).slice(1)}',`,
    ...(constructor ? ['  construct: {', ...described(constructor).map((l) => `    ${l}`), '  },'] : []),
    '  statics: {', ...group('static'), '  },',
    '  methods: {', ...group('method'), '  },',
    `  destructor: '${prefix}[dtor]${name}',`,
    '};',
  ];
}
