import { isMultiDbError } from '../../errors.js';
import { CursorOwner } from '../../runtime/command/cursor-owner.js';
import type { Internals } from './internals.js';

/** Position of the options of each iterator. */
const OPTIONS_AT: Readonly<Record<string, number>> = {
  scanIterator: 0,
  hScanIterator: 1,
  hScanValuesIterator: 1,
  hScanNoValuesIterator: 1,
  sScanIterator: 1,
  zScanIterator: 1,
};

type Pages = (this: Internals, ...args: unknown[]) => AsyncGenerator<unknown>;

export interface IteratorSetting {
  readonly iterators: 'throw' | 'restart';
  /** How often an iterator starts again although the active database is the same. */
  readonly maxRestarts: number;
}

/**
 * The iterators of node-redis, of which each page knows the origin of its cursor. An iterator that
 * a switch interrupts throws, or starts again on the new database: SCAN may return an element
 * several times anyway, and an element that is present all the time is returned at least once in
 * the last pass.
 */
export function iteratorMembers(facade: Internals, setting: IteratorSetting): object {
  const members: Record<string, unknown> = {};
  for (const [name, at] of Object.entries(OPTIONS_AT)) {
    const original = (facade as unknown as Record<string, Pages | undefined>)[name];
    if (original === undefined) continue;
    members[name] = async function* (this: Internals, ...given: unknown[]) {
      const mode = this._commandOptions?.iterators ?? setting.iterators;
      let restarts = 0;
      for (let args = given; ; args = fromTheBeginning(args, at)) {
        const pass = new CursorOwner();
        try {
          yield* original.apply(this.withCommandOptions({ pass }), args);
          return;
        } catch (error) {
          if (mode !== 'restart' || !isMultiDbError(error)) throw error;
          if (error.code === 'DATABASE_SWITCHED') continue;
          const isCut = error.code === 'CONNECTION_LOST' || error.code === 'COMMAND_TIMEOUT';
          if (!isCut || restarts >= setting.maxRestarts) throw error;
          restarts += 1;
        }
      }
    };
  }
  return members;
}

function fromTheBeginning(args: readonly unknown[], at: number): unknown[] {
  const again = [...args];
  again[at] = { ...(args[at] as object | undefined), cursor: '0' };
  return again;
}
