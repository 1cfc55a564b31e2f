/** What node-redis's callback interface calls of the client that it is made from. */
interface LegacyBase {
  readonly _self: object;
}

/**
 * node-redis's callback interface over a facade or a view of it: every command goes through its
 * `sendCommand`, a transaction through its `_executeMulti`. An error for which no callback was
 * given is reported rather than emitted: without a listener it would end the process.
 */
export function legacyInterface(view: LegacyBase, report: (error: Error) => void): unknown {
  const { legacy } = Object.getPrototypeOf(view._self) as { legacy(this: object): unknown };
  const base = Object.create(view, {
    emit: {
      value: (_name: 'error', error: unknown) => {
        report(error instanceof Error ? error : new Error(String(error)));
        return true;
      },
    },
  });
  return legacy.call(base);
}
