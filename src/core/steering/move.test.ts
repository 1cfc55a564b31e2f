import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type SteeredPosition, steeredMove } from './move.js';

const AT_REST: SteeredPosition = {
  steering: undefined,
  mustReturn: false,
  isDrained: false,
  failbackAllowed: true,
  returnIsSpread: false,
};
const EMPTY = { prefer: undefined, weights: new Map<string, number>() };

it.each<[string, Partial<SteeredPosition>, ReturnType<typeof steeredMove>]>([
  ['no document', {}, 'stay'],
  ['a document that was stopped', { mustReturn: true }, 'back'],
  ['a stopped one, and a newer one', { mustReturn: true, steering: EMPTY }, 'stay'],
  ['a drain of the active database', { steering: EMPTY, isDrained: true }, 'away'],
  ['a drain of another database', { steering: EMPTY }, 'stay'],
  ['a preferred database', { steering: { ...EMPTY, prefer: 'west' } }, 'heavier'],
  ['weights', { steering: { ...EMPTY, weights: new Map([['west', 2]]) } }, 'heavier'],
  ['the end of a document with a spread', { returnIsSpread: true }, 'heavier'],
  ['the same without failback', { returnIsSpread: true, failbackAllowed: false }, 'stay'],
])('%s', (_, position, expected) => {
  expect(steeredMove({ ...AT_REST, ...position })).toBe(expected);
});

it('moves without failback only for a document that asks for it, or that was stopped', () => {
  const position = fc.record({
    steering: fc.constantFrom(undefined, EMPTY, { ...EMPTY, prefer: 'west' }),
    mustReturn: fc.boolean(),
    isDrained: fc.boolean(),
    failbackAllowed: fc.constant(false),
    returnIsSpread: fc.boolean(),
  });
  fc.assert(
    fc.property(position, (each) => {
      const { steering, mustReturn, isDrained } = each;
      const asks = steering?.prefer !== undefined || (steering !== undefined && isDrained);
      const isWanted = asks || (steering === undefined && mustReturn);
      expect(steeredMove(each) === 'stay').toBe(!isWanted);
    }),
  );
});
