// What names of WIT are called in JavaScript.

/** `handle-crypt` as `handleCrypt`. */
export function camel(name) {
  return name.replaceAll(/-(.)/g, (_, letter) => letter.toUpperCase());
}

/** `peer-fault` as `PeerFault`. */
export function pascal(name) {
  const lower = camel(name);
  return lower[0].toUpperCase() + lower.slice(1);
}

/** `handle-crypt` as a property's name. */
export function quoted(name) {
  return /^[a-z]\w*$/i.test(name) ? name : `'${name}'`;
}

/**
 * What a type of an interface is called among those of all interfaces: `types` has
 * plain names, others share some with it or with one another.
 */
export function typeName(model, home, name) {
  const used = home.uses.find((use) => use.name === name);
  if (used) {
    const from = model.interfaces.find((one) => one.name === used.from);
    return typeName(model, from, name);
  }
  if (!home.types.some((type) => type.name === name)) {
    throw new Error(`${home.name} has no type ${name}`);
  }
  return home.name === 'types' ? name : `${home.name}-${name}`;
}

/** The same, with the names in the documentation as JavaScript has them. */
export function withJavaScriptNames(model) {
  const called = new Set(
    model.interfaces.flatMap(({ types, resource }) => [
      ...types.flatMap(({ fields = [] }) => fields),
      ...(resource?.functions ?? []).flatMap((one) => [one, ...one.parameters]),
    ]).map(({ name }) => name),
  );
  const text = (docs) => docs.replaceAll(/`([a-z-]+)`/g, (code, name) => {
    return called.has(name) ? `\`${camel(name)}\`` : code;
  });
  return JSON.parse(JSON.stringify(model), (key, value) => (key === 'docs' ? text(value) : value));
}
