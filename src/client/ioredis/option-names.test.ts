import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { Redis as Iovalkey } from 'iovalkey';
import { describe, expect, it, vi } from 'vitest';
import { InvalidOptionError } from '../../errors.js';
import type { IoredisOptions } from './library.js';
import { checkNames } from './option-names.js';

function warningsOf(given: IoredisOptions): string[] {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  try {
    checkNames(given, 'databases[0].redis');
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

it('says once that a name is unknown, where it stands, and which one is similar', () => {
  const unknown = { pasword: 'secret', whatever: 1, retryStrategy: () => 1, absent: undefined };
  expect(warningsOf(unknown)).toEqual([
    'unknown ioredis option databases[0].redis.pasword; did you mean password?',
    'unknown ioredis option databases[0].redis.whatever',
  ]);
  expect(warningsOf(unknown)).toEqual([]);
});

it('knows the options of libraries that take those of ioredis in the same object', () => {
  const ofBullMq = { skipVersionCheck: true, skipWaitingForReady: true };
  expect(warningsOf({ ...ofBullMq, namespace: 'sessions', closeClient: true })).toEqual([]);
  expect(warningsOf({ familyFallback: { enabled: false } })).toEqual([]);
});

it('shows neither credentials nor control characters of a name', () => {
  const [text] = warningsOf({ 'redis://user:secret@host\u001b[2J': 1 });
  expect(text).toMatch(/^unknown ioredis option /);
  expect(text).not.toContain('secret');
  expect(text).not.toContain('\u001b');
});

const AT = 'databases[0].redis';

function errorOf(given: IoredisOptions, inherited?: IoredisOptions): InvalidOptionError {
  try {
    checkNames(given, AT, inherited);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionError);
    return error as InvalidOptionError;
  }
  throw new Error('it was accepted');
}

describe('rejects what would lead to another place in another library', () => {
  it.each([
    ['url', 'redis://:secret@east.example.com', 'a URL in place of the object'],
    ['uri', 'redis://:secret@east.example.com', 'a URL in place of the object'],
    ['socket', { host: 'east.example.com' }, 'host, port, path and tls beside each other'],
    ['hostname', 'east.example.com', 'host'],
    ['database', 1, 'db'],
    ['database', '1', 'db'],
    ['dbIndex', 1, 'db'],
    ['user', 'app', 'username'],
    ['pass', 'secret', 'password'],
    ['auth_pass', 'secret', 'password'],
    ['auth', 'secret', 'password'],
    ['auth', { password: 'secret' }, 'password'],
    ['auth', Object.assign(Object.create(null), { password: 'secret' }), 'password'],
  ])('%s: %o', (name, value, meant) => {
    const { option, message } = errorOf({ [name]: value });
    expect(option).toBe(`${AT}.${name}`);
    expect(message).toContain(`expected a known option (did you mean ${meant}), received`);
    expect(message).not.toContain('secret');
  });

  it.each([
    [{ url: 'redis://east', port: 6380 }],
    [{ hostname: 'east', db: 1 }],
    [{ host: 'east', socket: { host: 'east', tls: true } }],
    [{ db: 2, database: 3 }],
    [{ db: 2, database: 0 }],
    [{ username: 'one', user: 'other' }],
    [{ password: 'one', pass: 'other' }],
  ])('%o', (given) => {
    errorOf({ ...given });
  });

  it('by the options that are inherited as well', () => {
    errorOf({ database: 0 }, { db: 2 });
    errorOf({ url: 'redis://east' }, { host: 'shared' });
  });
});

describe('only warns where ioredis uses the very same place', () => {
  it.each([
    [{ url: '' }],
    [{ url: false }],
    [{ socket: {} }],
    [{ user: '' }],
    [{ user: 'default' }],
    [{ database: 0 }],
    [{ database: '0' }],
    [{ host: 'east', url: 'redis://east' }],
    [{ path: '/tmp/redis.sock', url: 'unix:///tmp/redis.sock' }],
    [{ sentinels: [{ host: 'one' }], name: 'main', url: 'redis://east' }],
    [{ host: 'east', hostname: 'east' }],
    [{ host: 'east', port: 1, socket: { host: 'east', port: 1 } }],
    [{ db: 2, database: 2 }],
    [{ db: 2, dbIndex: '2' }],
    [{ username: 'app', user: 'app' }],
    [{ password: 'secret', pass: 'secret' }],
    [{ password: 'secret', auth: 'secret', auth_pass: 'secret' }],
  ])('%o', (given) => {
    expect(() => warningsOf({ ...given })).not.toThrow();
  });

  it('by the options that are inherited as well', () => {
    expect(() => checkNames({ database: 2 }, AT, { db: 2 })).not.toThrow();
  });
});

describe('a sentinel', () => {
  const sentinel = (given: unknown) => ({ sentinels: [{ host: 'one' }, given], name: 'main' });

  it.each([
    [{ url: 'redis://one' }, 'url', 'host and port'],
    [{ hostname: 'one' }, 'hostname', 'host'],
    [{ ip: '10.0.0.1', port: 26_379 }, 'ip', 'host'],
  ])('%o is rejected', (given, name, meant) => {
    const { option, message } = errorOf(sentinel(given));
    expect(option).toBe(`${AT}.sentinels[1].${name}`);
    expect(message).toContain(`did you mean ${meant})`);
  });

  it.each(['redis://:secret@one', undefined, null, 26_379])('%o is rejected', (given) => {
    const { option, message } = errorOf(sentinel(given));
    expect(option).toBe(`${AT}.sentinels[1]`);
    expect(message).toContain('expected an object with `host` and `port`');
    expect(message).not.toContain('secret');
  });

  it('may have a host, a port and a family; other names cause a warning', () => {
    expect(warningsOf(sentinel({ host: 'two', port: 1, family: 4, hostname: '' }))).toEqual([]);
    expect(warningsOf(sentinel({ host: 'two', tls: {} }))).toEqual([
      `unknown ioredis option ${AT}.sentinels[1].tls; did you mean sentinelTLS beside sentinels?`,
    ]);
  });
});

it('stops at some number of names', () => {
  const many = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [`of data ${index}`, 1]),
  );
  const { length } = warningsOf(many);
  expect(length).toBeGreaterThan(50);
  expect(length).toBeLessThanOrEqual(100);
});
