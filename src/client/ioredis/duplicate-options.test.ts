import { expect, it } from 'vitest';
import { InvalidOptionError } from '../../errors.js';
import { duplicateOptions } from './duplicate-options.js';

const IN_FORCE = { host: 'east', port: 6379, db: 2, username: null };

it.each([
  [{ database: 3 }, 'duplicate.database', 'did you mean db'],
  [{ database: 0 }, 'duplicate.database', 'did you mean db'],
  [{ url: 'redis://:secret@west' }, 'duplicate.url', 'did you mean a URL'],
  [{ hostname: 'west' }, 'duplicate.hostname', 'did you mean host'],
  [{ user: 'app' }, 'duplicate.user', 'did you mean username'],
  [{ auth: 'secret' }, 'duplicate.auth', 'did you mean password'],
  [{ db: 3 }, 'duplicate.db', 'the value of the original'],
  [{ host: 'west' }, 'duplicate.host', 'the value of the original'],
])('%o is rejected', (overrides, option, text) => {
  try {
    duplicateOptions({}, IN_FORCE, overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect((error as InvalidOptionError).option).toBe(option);
    expect((error as Error).message).toContain(text);
    expect((error as Error).message).not.toContain('secret');
    return;
  }
  throw new Error('it was accepted');
});

it('accepts what leads to the same place, and options of the client', () => {
  const overrides = { host: 'east', url: 'redis://east', db: 2, database: 2, keyPrefix: 'p:' };
  expect(duplicateOptions({ lazyConnect: true }, IN_FORCE, overrides)).toEqual({
    lazyConnect: true,
    keyPrefix: 'p:',
  });
  expect(duplicateOptions({}, IN_FORCE, undefined)).toEqual({});
});
