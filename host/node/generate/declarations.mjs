// lib/wit.d.ts: the interface's types, with their documentation.

import { camel, pascal, typeName, withJavaScriptNames } from './names.mjs';

export function declarations(interfaces) {
  const model = withJavaScriptNames(interfaces);
  const head = [
    '// Generated from wit/ by generate.mjs.',
    '',
    '/// <reference lib="esnext.disposable" />',
    '',
    "import type { ComponentError } from './component.js';",
  ];
  return `${[...head, ...model.interfaces.flatMap((home) => anInterface(model, home))].join('\n')}\n`;
}

function anInterface(model, home) {
  const types = home.types.flatMap((type) => ['', ...definition(model, home, type)]);
  return home.resource ? [...types, ...resource(model, home)] : types;
}

function definition(model, home, type) {
  const name = pascal(typeName(model, home, type.name));
  const of = (one) => expression(model, home, one);
  switch (type.kind) {
    case 'type':
      return [...comment(type.docs), `export type ${name} = ${of(type.type)};`];
    case 'enum':
      return union(type, name, (one) => `'${one.name}'`);
    case 'variant':
      return union(type, name, ({ name: tag, type: val }) => {
        return `{ tag: '${tag}'; val${val === null ? '?: undefined' : `: ${of(val)}`} }`;
      });
    default:
      return [
        ...comment(type.docs),
        `export interface ${name} {`,
        ...indented(type.fields.flatMap((field) => [
          ...comment(field.docs),
          `${camel(field.name)}: ${of(field.type)};`,
        ])),
        '}',
      ];
  }
}

function union(type, name, member) {
  const members = type.cases.flatMap((one) => [...comment(one.docs), `| ${member(one)}`]);
  members[members.length - 1] += ';';
  return [...comment(type.docs), `export type ${name} =`, ...indented(members)];
}

function resource(model, home) {
  const { name, docs, functions } = home.resource;
  const made = pascal(name);
  const signature = (one) => {
    const parameters = one.parameters.map(({ name: parameter, type }) => {
      return `${camel(parameter)}: ${expression(model, home, type)}`;
    });
    return `(${parameters.join(', ')})`;
  };
  const documented = (one) => {
    const [, err] = one.result?.name === 'result' ? one.result.of : [];
    const throws = err && `@throws {ComponentError} its \`payload\` is a {@link ${expression(model, home, err)}}`;
    return comment([one.docs, throws].filter(Boolean).join('\n\n'));
  };
  const returned = (one) => {
    const type = one.result?.name === 'result' ? one.result.of[0] : one.result;
    return type === null ? 'void' : expression(model, home, type);
  };
  const of = (kind) => functions.filter((one) => one.kind === kind);
  return [
    '',
    ...comment(`${home.docs}\n\n${docs}`),
    `export interface ${made} {`,
    ...indented([
      ...of('method').flatMap((one) => [
        ...documented(one),
        `${camel(one.name)}${signature(one)}: ${returned(one)};`,
        '',
      ]),
      ...comment('Ends and wipes it. Later calls throw; a second time does nothing.'),
      '[Symbol.dispose](): void;',
    ]),
    '}',
    '',
    ...comment(`What makes a {@link ${made}} in an instance.`),
    `export interface ${made}Class {`,
    ...indented([
      ...of('constructor').flatMap((one) => [...documented(one), `new ${signature(one)}: ${made};`]),
      ...of('static').flatMap((one, i) => [
        ...(i > 0 ? [''] : []),
        ...documented(one),
        `${camel(one.name)}${signature(one)}: ${returned(one)};`,
      ]),
      '',
      `readonly prototype: ${made};`,
    ]),
    '}',
  ];
}

function expression(model, home, type) {
  if (type.of) {
    const inner = expression(model, home, type.of[0]);
    switch (type.name) {
      case 'list':
        return type.of[0] === 'u8' ? 'Uint8Array' : `readonly ${inner}[]`;
      case 'option':
        return `${inner} | undefined`;
      default:
        throw new Error(`no type for ${type.name}`);
    }
  }
  if (type === home.resource?.name) {
    return pascal(type);
  }
  return PLAIN[type] ?? pascal(typeName(model, home, type));
}

const PLAIN = { string: 'string', u8: 'number', u32: 'number', u64: 'bigint' };

function comment(docs) {
  if (docs === '') {
    return [];
  }
  const lines = docs.split('\n');
  return lines.length === 1
    ? [`/** ${lines[0]} */`]
    : ['/**', ...lines.map((line) => ` * ${line}`.trimEnd()), ' */'];
}

function indented(lines) {
  return lines.map((line) => (line === '' ? line : `  ${line}`));
}
