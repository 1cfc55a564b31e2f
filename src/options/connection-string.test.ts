import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../errors.js';
import * as library from '../index.js';
import { connectionParameters } from './connection-parameters.js';
import { isConnectionString, parseConnectionString } from './connection-string.js';
import { DEFAULTS } from './defaults.js';
import { type NamedStrategy, STRATEGIES } from './strategies.js';

function failure(text: string): InvalidOptionError {
  try {
    parseConnectionString(text);
  } catch (error) {
    if (error instanceof InvalidOptionError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

const socket = (host: string, port = 6379, tls = false) => ({ host, port, tls });

describe('databases', () => {
  it('share credentials, TLS and the number of the database', () => {
    const text = 'rediss://app:s%2Cx@east.example.com:14000,west.example.com:14001/2';
    const client = { username: 'app', password: 's,x', database: 2 };
    expect(parseConnectionString(text).databases).toEqual([
      { weight: 2, client: { ...client, socket: socket('east.example.com', 14_000, true) } },
      { weight: 1, client: { ...client, socket: socket('west.example.com', 14_001, true) } },
    ]);
  });

  it('may have their own credentials, ids and weights', () => {
    const text = ' REDIS://:one@east,user:two@[::1]:7000,@third/?weight=1,0.5,0.25&id=e,w,a%2Cb\n';
    expect(parseConnectionString(text).databases).toEqual([
      { id: 'e', weight: 1, client: { password: 'one', socket: socket('east') } },
      {
        id: 'w',
        weight: 0.5,
        client: { username: 'user', password: 'two', socket: socket('::1', 7000) },
      },
      { id: 'a,b', weight: 0.25, client: { socket: socket('third') } },
    ]);
  });
});

describe('parameters', () => {
  it('are the options by their names', () => {
    const query = [
      ...['commandDeadlineMs=3000', 'commandRetry.safety=last-write-wins', 'commandRetry.jitter=0'],
      ...['resolveIntervalMs=false', 'failbackSupported=false', 'standbyConnections=warm'],
      ...['initializationPolicy=ALL_AVAILABLE', 'healthCheck=echo', 'healthCheck.timeoutMs=500'],
      ...['healthCheck.policy=ANY_SUCCESS', 'client.keyPrefix=a%26b+c:', 'client.name=app'],
      ...['client.RESP=2', 'client.socket.connectTimeout=2000'],
      ...['gracePeriodMs.baseMs=1000', 'gracePeriodMs.maxMs=8000'],
      ...['suspectAfterMs=adaptive', 'hedging.afterMs=p99'],
    ].join('&');
    expect(parseConnectionString(`redis://east?${query}`)).toMatchObject({
      commandDeadlineMs: 3000,
      suspectAfterMs: 'adaptive',
      hedging: { afterMs: 'p99' },
      gracePeriodMs: { baseMs: 1000, maxMs: 8000 },
      commandRetry: { safety: 'last-write-wins', jitter: 0 },
      resolveIntervalMs: false,
      failbackSupported: false,
      standbyConnections: 'warm',
      initializationPolicy: 'ALL_AVAILABLE',
      healthCheck: { timeoutMs: 500, policy: 'ANY_SUCCESS', strategy: { name: 'ECHO' } },
      client: { keyPrefix: 'a&b+c:', name: 'app', RESP: 2, socket: { connectTimeout: 2000 } },
    });
    expect(parseConnectionString('redis://east?healthCheck=false')).toMatchObject({
      healthCheck: false,
    });
  });

  it('name every built-in strategy that needs no option', () => {
    const exported = Object.entries(library).filter(([name]) => name.endsWith('Strategy'));
    const named = Object.entries(STRATEGIES) as [string, NamedStrategy][];
    expect(named).toHaveLength(exported.length);
    for (const [name, { hasRequiredOption }] of named) {
      const text = `redis://east?healthCheck=${name}`;
      if (hasRequiredOption) {
        expect(failure(text).option).toBe('healthCheck');
        continue;
      }
      const { healthCheck } = parseConnectionString(text) as { healthCheck?: unknown };
      const { strategy } = healthCheck as { strategy: object };
      expect(exported.map(([, each]) => each)).toContain(strategy.constructor);
    }
  });

  it('exist for every option that is a number, a flag or one of several words', () => {
    const missing = Object.entries(DEFAULTS)
      .filter(([name, { default: value }]) => {
        const isScalar = ['number', 'boolean', 'string'].includes(typeof value);
        return isScalar && !name.startsWith('databases[]') && !connectionParameters().has(name);
      })
      .map(([name]) => name);
    expect(missing).toEqual([]);
  });
});

describe('errors', () => {
  it.each([
    ['redis://', 'host or host:port for host 1'],
    ['redis://east,', 'host or host:port for host 2'],
    ['redis://:pa,ss@east', 'percent-encode'],
    // `user:12` would be the address of a server.
    ['redis://user:12,ss@east', 'credentials in front of the first host'],
    ['redis://u:p@east,u2:12,ss@west', 'credentials in front of the first host'],
    ['redis://user:12/ss@east', 'the number of a database'],
    ['redis://user:12?ss@east', 'name=value with a known name for parameter 1'],
    ['redis://:a@b@east', 'one @ for host 1'],
    ['redis://a:b:c@east', 'one : in the credentials'],
    ['redis://:a#b@east', 'percent-encode them'],
    ['redis://:%zz@east', 'two hexadecimal digits'],
    ['redis://east:0', 'a port from 1 to 65535'],
    ['redis://east:70000', 'a port from 1 to 65535'],
    ['redis://east?wieght=1', 'did you mean weight'],
    ['redis://east?password=hunter2', 'a known name'],
    ['http://east', 'redis:// or rediss:// at its beginning'],
  ])('%s', (text, expected) => {
    const { option, message } = failure(text);
    expect([option, message]).toEqual(['connection string', expect.stringContaining(expected)]);
  });

  it.each([
    ['redis://east,west?weight=1', 'weight', 'as many values as hosts (2)'],
    ['redis://east?weight=0', 'databases[0].weight', 'a finite number above 0'],
    ['redis://east?weight=1e3', 'weight', 'a number'],
    ['redis://east,east', 'databases[1].id', 'an id that no other database has'],
    ['redis://east?suspectAfterMs=0', 'suspectAfterMs', 'milliseconds from 1'],
    ['redis://east?suspectAfterMs=5&suspectAfterMs=5', 'suspectAfterMs', 'one value'],
    ['redis://east?gracePeriodMs.baseMs=5&gracePeriodMs=5', 'gracePeriodMs', 'its parts'],
    ['redis://east?gracePeriodMs=5&gracePeriodMs.baseMs=5', 'gracePeriodMs', 'its parts'],
    ['redis://east?failbackSupported=1', 'failbackSupported', 'true or false'],
    ['redis://east?healthCheck=lag-aware', 'healthCheck', 'ping, echo'],
    ['redis://east?healthCheck=false&healthCheck.timeoutMs=5', 'healthCheck', 'or false without'],
    ['redis://east?healthCheck.policy=NONE', 'healthCheck.policy', "'ALL_SUCCESS'"],
  ])('%s', (text, named, expected) => {
    const { option, message } = failure(text);
    expect([option, message]).toEqual([named, expect.stringContaining(expected)]);
    expect(message).toContain('received "***"');
  });
});

it('tells a connection string from a path', () => {
  expect(['rediss://a', ' redis://a', 'redis.json', 'redis:a', ''].map(isConnectionString)).toEqual(
    [true, true, false, false, false],
  );
});
