import { expect, it } from 'vitest';
import { CommandTimeoutError, ConnectionLostError, InvalidOptionError } from '../errors.js';
import { compileSelector } from './selector.js';

it('a list of classes matches their instances and those of subclasses', () => {
  const selects = compileSelector([CommandTimeoutError, TypeError], 'x');
  class Special extends TypeError {}
  expect(selects(new CommandTimeoutError('late'))).toBe(true);
  expect(selects(new Special())).toBe(true);
  expect(selects(new ConnectionLostError('gone'))).toBe(false);
  expect(compileSelector([Error], 'x')(new ConnectionLostError('gone'))).toBe(true);
  expect(compileSelector([], 'x')(new Error())).toBe(false);
});

it('a list that changes later changes nothing', () => {
  const classes: (new () => Error)[] = [TypeError];
  const selects = compileSelector(classes, 'x');
  classes.push(RangeError);
  expect(selects(new RangeError())).toBe(false);
});

it('a function decides, and says no by throwing or by anything but true', () => {
  const selects = (answer: () => unknown) => compileSelector(answer, 'x')(new Error('e'));
  expect(selects(() => true)).toBe(true);
  expect(selects(() => false)).toBe(false);
  expect(selects(async () => true)).toBe(false);
  expect(
    selects(() => {
      throw new Error('boom');
    }),
  ).toBe(false);
  expect(compileSelector((error: Error) => error.message === 'e', 'x')(new Error('e'))).toBe(true);
});

it.each([
  ['a', 'x: expected an array of error classes'],
  [{}, 'x: expected an array of error classes'],
  [null, 'x: expected an array of error classes'],
  [TypeError, 'put the class in an array'],
  [[TypeError, 'ECONNRESET'], 'x[1]: expected a class that extends Error'],
  [[Map], 'x[0]: expected a class that extends Error'],
  [[() => true], 'x[0]: expected a class that extends Error'],
])('rejects %s', (selector, message) => {
  expect(() => compileSelector(selector, 'x')).toThrow(InvalidOptionError);
  expect(() => compileSelector(selector, 'x')).toThrow(message);
});
