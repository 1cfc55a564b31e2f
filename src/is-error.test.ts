import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { isError } from './is-error.js';

it('knows errors, also those of another realm', () => {
  class Derived extends Error {}
  const foreign = runInNewContext('[new Error("a"), new TypeError("b"), new AggregateError([])]');
  for (const error of [new Error('a'), new Derived('a'), new DOMException('a'), ...foreign])
    expect(isError(error)).toBe(true);
  expect(foreign[0]).not.toBeInstanceOf(Error);
});

it('knows what is no error', () => {
  const named = { name: 'Error', message: 'a', stack: '' };
  for (const value of [undefined, null, 'Error', 1, {}, [], named, () => {}, Object.create(null)])
    expect(isError(value)).toBe(false);
});
