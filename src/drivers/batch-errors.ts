import { processState } from '../process-state.js';

/** By the error that a batch rejected with, the error of each command that was sent for it. */
const errors = processState('batch-errors@1', () => new WeakMap<object, readonly unknown[]>());

/**
 * Records the results of a batch that rejects with `error`, in the order of sending: those of MULTI,
 * the commands and EXEC, or of the commands of a pipeline.
 */
export function noteBatchErrors(
  error: unknown,
  results: readonly PromiseSettledResult<unknown>[],
): void {
  if (typeof error !== 'object' || error === null) return;
  errors.set(
    error,
    results.map((result) => (result.status === 'rejected' ? result.reason : undefined)),
  );
}

/**
 * The errors of a transaction of `count` commands that rejected with `error`: of each command, and
 * of EXEC. `undefined` if the server did not answer them.
 */
export function transactionErrors(
  error: unknown,
  count: number,
): { readonly commands: readonly unknown[]; readonly exec: unknown } | undefined {
  const noted = typeof error === 'object' && error !== null ? errors.get(error) : undefined;
  if (noted === undefined || noted.length < count + 2) return undefined;
  return { commands: noted.slice(-1 - count, -1), exec: noted.at(-1) };
}
