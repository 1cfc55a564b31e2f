/** What the engine uses of `node:util`, for the browser. */

/** Returns a text in quotes, as Node.js shows it. */
export function inspect(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

inspect.custom = Symbol.for('nodejs.util.inspect.custom');

export function isDeepStrictEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false;
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
  const [a, b] = [one, other] as Record<string, unknown>[];
  const names = Object.keys(a as object);
  return (
    names.length === Object.keys(b as object).length &&
    names.every(
      (name) => Object.hasOwn(b as object, name) && isDeepStrictEqual(a?.[name], b?.[name]),
    )
  );
}
