import { expect, it } from 'vitest';
import { processState } from './process-state.js';

it('is made once, also for another copy of this module', async () => {
  const mine = processState('test@1', () => ({ count: 1 }));
  const other = (await import('./process-state.js?copy' as never)) as {
    processState: typeof processState;
  };
  expect(other.processState).not.toBe(processState);
  expect(other.processState('test@1', () => ({ count: 2 }))).toBe(mine);
  expect(other.processState('test@2', () => ({ count: 2 }))).toEqual({ count: 2 });
});

it('is no enumerable property of the global object', () => {
  processState('test@1', () => ({}));
  expect(Object.getOwnPropertySymbols({ ...globalThis }).map(String)).not.toContain(
    'Symbol(redis-multidb.process-state)',
  );
});
