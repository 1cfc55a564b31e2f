import { expect, it } from 'vitest';
import { seededRandom } from './random.js';

const draw = (seed: number, count: number) => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, random);
};

it('repeats by seed, and differs between seeds', () => {
  expect(draw(7, 100)).toEqual(draw(7, 100));
  expect(draw(7, 100)).not.toEqual(draw(8, 100));
});

it('is uniform in [0, 1)', () => {
  const numbers = draw(1, 100_000);
  expect(Math.min(...numbers.slice(0, 1000))).toBeGreaterThanOrEqual(0);
  const tenths = new Array<number>(10).fill(0);
  for (const number of numbers) tenths[Math.floor(number * 10)]! += 1;
  for (const share of tenths) expect(Math.abs(share - 10_000)).toBeLessThan(500);
});
