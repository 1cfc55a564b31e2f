import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { Redis as Iovalkey } from 'iovalkey';
import { expect, it, vi } from 'vitest';
import { InvalidOptionError } from '../../errors.js';
import { checkNames } from './option-names.js';

function warningsOf(given: object): string[] {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  try {
    checkNames(given, 'redis');
    return warn.mock.calls.map(([text]) => String(text));
  } finally {
    warn.mockRestore();
  }
}

it.each([
  ['ioredis 6', Redis],
  ['ioredis 5', Redis5],
  ['iovalkey', Iovalkey],
])('knows all options that %s has a default for', (_name, Library) => {
  const { options } = new (Library as typeof Redis)({ lazyConnect: true });
  const filled = Object.fromEntries(Object.keys(options).map((name) => [name, 'a value']));
  expect(Object.keys(filled).length).toBeGreaterThan(20);
  expect(warningsOf(filled)).toEqual([]);
});

it('says once that a name is unknown, and which one is similar', () => {
  const unknown = { pasword: 'secret', whatever: 1, retryStrategy: () => 1, absent: undefined };
  expect(warningsOf(unknown)).toEqual([
    'ioredis has no option pasword; did you mean password?',
    'ioredis has no option whatever',
  ]);
  expect(warningsOf(unknown)).toEqual([]);
});

it('shows neither credentials nor control characters of a name', () => {
  const [text] = warningsOf({ 'redis://user:secret@host\u001b[2J': 1 });
  expect(text).toMatch(/^ioredis has no option /);
  expect(text).not.toContain('secret');
  expect(text).not.toContain('\u001b');
});

it('stops at some number of names', () => {
  const many = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [`of data ${index}`, 1]),
  );
  const { length } = warningsOf(many);
  expect(length).toBeGreaterThan(50);
  expect(length).toBeLessThanOrEqual(100);
});

it.each([
  ['url', 'redis://:secret@east.example.com'],
  ['socket', { host: 'east.example.com' }],
  ['database', 1],
  ['user', 'app'],
])('rejects %s, because ioredis would use another place', (name, value) => {
  try {
    checkNames({ [name]: value }, 'databases[0].redis');
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect((error as InvalidOptionError).option).toBe(`databases[0].redis.${name}`);
    expect((error as Error).message).toContain('did you mean');
    expect((error as Error).message).not.toContain('secret');
    return;
  }
  throw new Error('it was accepted');
});
