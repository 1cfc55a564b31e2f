import { expect, it } from 'vitest';
import { openPromise } from './open-promise.js';

it('each promise settles by its own functions', async () => {
  const [first, second] = [openPromise(), openPromise()];
  second.reject(new Error('second'));
  first.resolve('first');
  expect(first.promise).toBeInstanceOf(Promise);
  expect(await first.promise).toBe('first');
  await expect(second.promise).rejects.toThrow('second');
});
