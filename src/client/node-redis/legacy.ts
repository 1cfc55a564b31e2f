import { isError } from '../../is-error.js';

/** Members that the callback interface of node-redis calls. */
interface LegacyBase {
  readonly _self: object;
}

/**
 * The callback interface of node-redis over a facade or a view: every command goes through its
 * `sendCommand`, and a transaction through its `_executeMulti`. An error without a callback is
 * reported instead of emitted, because without a listener it would end the process.
 */
export function legacyInterface(view: LegacyBase, report: (error: Error) => void): unknown {
  const { legacy } = Object.getPrototypeOf(view._self) as { legacy(this: object): unknown };
  const base = Object.create(view, {
    emit: {
      value: (_name: 'error', error: unknown) => {
        report(isError(error) ? error : new Error(String(error)));
        return true;
      },
    },
  });
  return legacy.call(base);
}
