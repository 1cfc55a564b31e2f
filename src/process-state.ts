/**
 * State that belongs to the process rather than to one copy of this package. An application loads
 * two copies when one part of it uses `import` and another one `require()`, or when two dependencies
 * need two versions.
 */

const KEY: unique symbol = Symbol.for('redis-multidb.process-state') as never;

/**
 * The state called `name`, made by `create` of the copy that asks first. The name ends in the
 * version of its shape (`open-clients@1`), because copies of two versions of this package must not
 * take each other's state for theirs.
 */
export function processState<State extends object>(name: string, create: () => State): State {
  const holder = globalThis as { [KEY]?: Map<string, object> };
  let states = holder[KEY];
  if (states === undefined) {
    states = new Map();
    Object.defineProperty(holder, KEY, { value: states });
  }
  let state = states.get(name) as State | undefined;
  if (state === undefined) {
    state = create();
    states.set(name, state);
  }
  return state;
}
