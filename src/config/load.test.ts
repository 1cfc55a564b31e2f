import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { Ajv } from 'ajv';
import { afterAll, describe, expect, it } from 'vitest';
import { InvalidConfigError } from '../errors.js';
import { ConnectedStrategy } from '../health-strategies/connected.js';
import { LagAwareStrategy } from '../health-strategies/lag-aware.js';
import { ReplicationStrategy } from '../health-strategies/replication.js';
import { WriteReadStrategy } from '../health-strategies/write-read.js';
import { DEFAULTS } from '../options/defaults.js';
import { STRATEGIES, type StrategyName } from '../options/strategies.js';
import { resolveOptions } from '../options/validate.js';
import { loadConfig, parseConfig } from './load.js';
import { configSchema, NOT_IN_A_FILE } from './schema.js';
import { STRATEGY_SCHEMAS } from './strategy-schemas.js';

const directory = mkdtempSync(path.join(tmpdir(), 'redis-multidb-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

const matches = new Ajv({ strict: true, allowUnionTypes: true, strictTypes: false }).compile(
  configSchema(),
);

function accepted(config: unknown): boolean {
  return matches(JSON.parse(JSON.stringify(config)));
}

function parse(config: unknown, env: Record<string, string> = {}) {
  const text = typeof config === 'string' ? config : JSON.stringify(config, undefined, 2);
  return parseConfig(text, { env, name: 'app.json', directory }) as unknown as Record<
    string,
    never
  > & {
    databases: Record<string, never>[];
  };
}

function failure(config: unknown, env: Record<string, string> = {}): InvalidConfigError {
  try {
    parse(config, env);
  } catch (error) {
    if (error instanceof InvalidConfigError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

const east = { id: 'east', client: { url: 'redis://east:1' } };
const with_ = <T extends object>(over: T) => ({ databases: [east], ...over });

it.each([']', 'a]', '[', 'x.', '.', '..[0]', 'a[b', '][', '__proto__]'])(
  'names may hold dots and brackets: %s',
  (name) => {
    for (const config of [
      { databases: [{ [name]: 1 }] },
      { databases: [{ id: 'east', client: { socket: { [name]: { tls: '${PW}' }, tls: 5 } } }] },
      { [name]: { [name]: '${PW}' } },
    ]) {
      expect(failure(config, { PW: 's3cret' }).message).not.toContain('s3cret');
    }
  },
);

it('an error is one line and bounded, whatever the names in the file are', () => {
  const name = `\u001b[2J\n${'x'.repeat(1e5)}`;
  const twice = `{ ${JSON.stringify(name)}: 1, ${JSON.stringify(name)}: 2 }`;
  for (const config of [{ [name]: 1 }, { databases: [{ [name]: '${UNSET}' }] }, twice]) {
    const error = failure(config);
    expect(error.message).toMatch(/^[^\p{Cc}]{1,2500}$/u);
    expect(JSON.stringify(error).length).toBeLessThan(3000);
  }
});

it('all mistakes are told at once, in order, and none that follows from another one', () => {
  const error = failure(
    with_({
      databases: [
        { id: 'east', weight: 0, client: { url: '${UNSET}', socket: { port: '${WORD}' } } },
        { id: 'west', client: { url: 'redis://west', password: { file: 'missing' } } },
        { id: 'west', topology: 'sentinel', sentinel: {} },
      ],
      suspectAfterMs: '${SECRET}',
      commandRetry: { maxAttempts: 0, safty: 'read' },
      healthCheck: [{ strategy: 'pong' }, { strategy: 'ping', timeoutMs: -1 }],
      fallbackErrors: [],
    }),
    { WORD: 'hunter2', SECRET: '-5' },
  );
  const all = [error, ...error.others];
  expect(all.map(({ option }) => option)).toEqual([
    'databases[0].weight',
    'databases[0].client.url',
    'databases[0].client.socket.port',
    'databases[1].client.password',
    'databases[2].sentinel.name',
    'suspectAfterMs',
    'commandRetry.maxAttempts',
    'commandRetry.safty',
    'healthCheck[0].strategy',
    'fallbackErrors',
  ]);
  expect(error.message).toMatch(/ \(and 9 more errors\)$/);
  expect(all.map(({ line }) => line)).toEqual(
    [...all.map(({ line }) => line)].sort((a, b) => Number(a) - Number(b)),
  );
  expect(`${inspect(all, { depth: 9 })}${JSON.stringify(all)}`).not.toMatch(/hunter2|-5\b/);
  expect(failure(with_({ gracePeriodMs: -1 })).others).toEqual([]);
});

it('a connection string stands in place of the path of a file', async () => {
  expect(await loadConfig('redis://:pw@east,west?weight=1,0.5&suspectAfterMs=5')).toMatchObject({
    suspectAfterMs: 5,
    databases: [{ weight: 1, client: { password: 'pw' } }, { weight: 0.5 }],
  });
  const error = await loadConfig('redis://:p,w@east').catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InvalidConfigError);
  expect(error).toMatchObject({
    file: 'connection string',
    message: expect.stringContaining('percent-encode'),
  });
});

describe('values', () => {
  it('are those of createMultiDbClient', () => {
    const config = with_({
      $schema: './config.schema.json',
      suspectAfterMs: 100,
      commandRetry: { safety: 'last-write-wins' },
      failureDetector: { slidingWindowType: 'count' },
      initializationPolicy: 'ALL_AVAILABLE',
      client: { RESP: 3, socket: { noDelay: true, localAddress: '127.0.0.1' } },
    });
    const { $schema: _, ...expected } = config;
    expect(parse(config)).toEqual(expected);
    expect(accepted(config)).toBe(true);
  });

  it('come from variables, also numbers and flags', () => {
    const config = with_({
      databases: [
        {
          id: '${REGION}',
          weight: '${WEIGHT}',
          client: {
            username: '${USER}',
            password: '${PASSWORD}',
            socket: { host: '${REGION}.example.com', port: '${PORT:-6379}', tls: '${TLS}' },
          },
        },
      ],
      failbackSupported: '${BACK:-false}',
      standbyConnections: '${STANDBY:-lazy}',
    });
    const env = { REGION: 'east', WEIGHT: '0.5', USER: '7', PASSWORD: '123456', TLS: 'true' };
    expect(accepted(config)).toBe(true);
    expect(parse(config, env)).toEqual({
      databases: [
        {
          id: 'east',
          weight: 0.5,
          // A password of digits stays a text.
          client: {
            username: '7',
            password: '123456',
            socket: { host: 'east.example.com', port: 6379, tls: true },
          },
        },
      ],
      failbackSupported: false,
      standbyConnections: 'lazy',
    });
  });

  it('name addresses of nodes, whose numbers may be variables as well', () => {
    const nodeAddressMap = { '10.0.0.1:6379': { host: '${HOST:-localhost}', port: '${PORT}' } };
    const config = {
      databases: [
        {
          topology: 'cluster',
          cluster: { rootNodes: [{ url: 'redis://east:1' }], nodeAddressMap },
        },
        {
          topology: 'sentinel',
          sentinel: {
            name: 'm',
            sentinelRootNodes: [{ host: 'a', port: 1 }],
            nodeAddressMap: { '10.0.0.1:6379': { host: 'b', port: 2 } },
          },
        },
      ],
    };
    expect(accepted(config)).toBe(true);
    expect(parse(config, { PORT: '7000' }).databases).toMatchObject([
      { cluster: { nodeAddressMap: { '10.0.0.1:6379': { host: 'localhost', port: 7000 } } } },
      { sentinel: { nodeAddressMap: { '10.0.0.1:6379': { host: 'b', port: 2 } } } },
    ]);
  });

  it('come from files, without the line break at their end', () => {
    writeFileSync(path.join(directory, 'password'), 's3cret\n');
    const own = {
      id: 'east',
      client: { password: { file: 'password' }, socket: { tls: true, ca: { file: '${CA}' } } },
    };
    writeFileSync(path.join(directory, 'ca.pem'), 'PEM');
    expect(accepted({ databases: [own] })).toBe(true);
    expect(parse({ databases: [own] }, { CA: 'ca.pem' }).databases[0]).toMatchObject({
      client: { password: 's3cret', socket: { tls: true, ca: 'PEM' } },
    });
  });

  it.each([
    ['connected', { waitMs: 5 }, ConnectedStrategy],
    ['write-read', { keyPrefix: 'p:' }, WriteReadStrategy],
    ['replication', { role: 'full', toleranceMs: 100, peers: ['west'] }, ReplicationStrategy],
    [
      'lag-aware',
      { credentials: { username: 'u', password: 'p' }, databaseId: 1 },
      LagAwareStrategy,
    ],
  ])('name the strategy %s', (strategy, options, expected) => {
    const config = with_({ healthCheck: ['ping', { strategy, ...options, timeoutMs: 250 }] });
    expect(accepted(config)).toBe(true);
    const [ping, other] = resolveOptions(parse(config)).databases[0]?.healthChecks ?? [];
    expect(ping).toMatchObject({ name: 'PING', timeoutMs: 1000 });
    expect(other?.strategy).toBeInstanceOf(expected);
    expect(other?.timeoutMs).toBe(250);
  });

  it('of a health check without a strategy are those of ping, false is none', () => {
    const config = {
      databases: [
        { ...east, healthCheck: false },
        { id: 'b', healthCheck: { numProbes: 1 } },
      ],
    };
    expect(accepted(config)).toBe(true);
    const [a, b] = resolveOptions(parse(config)).databases;
    expect(a?.healthChecks).toEqual([]);
    expect(b?.healthChecks).toMatchObject([{ name: 'PING', numProbes: 1 }]);
  });

  it('of steering are sources, with secrets from files', () => {
    const databases = [{ client: { url: 'redis://localhost' } }];
    writeFileSync(path.join(directory, 'steering-secret'), 'horse\n');
    const config = {
      databases,
      steering: [
        { source: 'redis', key: 'ops:steering', secret: { file: 'steering-secret' } },
        { source: 'file', path: '/etc/steering.json', intervalMs: '${EVERY}' },
        { source: 'http', url: 'https://ops.example.com/', credentials: { token: 'x' } },
      ],
    };
    expect(accepted(config)).toBe(true);
    const { steering } = parse(config, { EVERY: '100' }) as unknown as {
      steering: { name: string }[];
    };
    expect(steering.map(({ name }) => name)).toEqual(['redis', 'file', 'http']);
    for (const [wrong, message] of [
      [{ source: 'ftp' }, /steering: expected an object whose source is one of redis, file, http/],
      [{ source: 'redis' }, /steering.key: expected a non-empty string/],
      [{ source: 'redis', key: 'k', more: 1 }, /steering.more: redis has no such option/],
      ['redis', /steering: expected an object/],
    ] as const) {
      expect(accepted({ databases, steering: wrong })).toBe(false);
      expect(failure({ databases, steering: wrong }).message).toMatch(message);
    }
  });

  it('may be of every topology', () => {
    const config = {
      databases: [
        { id: 'a', topology: 'pool', client: { url: 'redis://a' }, pool: { maximum: '${MAX}' } },
        { id: 'b', topology: 'cluster', cluster: { rootNodes: [{ url: 'redis://b' }] } },
        {
          id: 'c',
          topology: 'sentinel',
          sentinel: { name: 'm', sentinelRootNodes: [{ host: 'c', port: '${PORT}' }] },
        },
      ],
    };
    expect(accepted(config)).toBe(true);
    const read = parse(config, { MAX: '5', PORT: '26379' });
    expect(read.databases[0]).toMatchObject({ pool: { maximum: 5 } });
    expect(read.databases[2]).toMatchObject({ sentinel: { sentinelRootNodes: [{ port: 26379 }] } });
  });
});

describe('errors', () => {
  it('of a missing variable name it and the place', () => {
    const error = failure(
      '{\n  "databases": [{ "id": "a", "client": { "password": "${SECRET}" } }]\n}',
    );
    expect(error).toMatchObject({ code: 'INVALID_CONFIG', file: 'app.json', line: 2, column: 54 });
    expect(error.option).toBe('databases[0].client.password');
    expect(error.message).toMatch(
      /^app\.json:2:54: databases\[0\]\.client\.password: .*SECRET is not set/,
    );
  });

  it.each([
    [with_({ suspectAfter: 1 }), 'suspectAfter', 'did you mean suspectAfterMs'],
    [{ databases: [east, { id: 'b', weight: -1 }] }, 'databases[1].weight', 'received -1'],
    [{ databases: [east, { ...east }] }, 'databases[1].id', 'no other database'],
    [{}, 'databases', 'a non-empty array'],
    [[], '', 'an object with options'],
    [with_({ healthCheck: { strategy: 'pong' } }), 'healthCheck.strategy', 'one of ping, echo'],
    [with_({ healthCheck: 'pong' }), 'healthCheck', 'one of ping, echo'],
    [
      with_({ healthCheck: { strategy: 'ping', waitMs: 1 } }),
      'healthCheck.waitMs',
      'no such option',
    ],
    [
      with_({ healthCheck: [{ strategy: 'replication', toleranceMs: 0 }] }),
      'healthCheck[0].toleranceMs',
      'milliseconds from 1',
    ],
    [with_({ fallbackErrors: ['Error'] }), 'fallbackErrors', 'cannot contain functions or classes'],
    [
      with_({ commandRetry: { includedErrors: [] } }),
      'commandRetry.includedErrors',
      'cannot contain functions',
    ],
    [
      { databases: [{ ...east, failureDetector: { ignoredErrors: [] } }] },
      'databases[0].failureDetector.ignoredErrors',
      'cannot contain functions',
    ],
    [with_({ client: { modules: {} } }), 'client.modules', 'cannot contain functions or classes'],
    [with_({ client: { password: { file: 'nope' } } }), 'client.password', 'no such file'],
    [
      with_({ client: { password: { file: 'nope', encoding: 'x' } } }),
      'client.password',
      '{ "file": "path" }',
    ],
    [
      JSON.stringify(with_({})).replace('"id"', '"__proto__"'),
      'databases[0].__proto__',
      'a known option',
    ],
  ])('%j', (config, option, text) => {
    const error = failure(config);
    expect(error.option).toBe(option);
    expect(error.message).toContain(text);
    expect(error.line).toBeGreaterThan(0);
    if (typeof config === 'object' && !String(option).includes('id')) {
      const isFile = text.includes('no such file');
      expect(accepted(config), 'the schema says so as well').toBe(isFile);
    }
  });

  it.each([
    ['weight', { databases: [{ ...east, weight: '${S}' }] }],
    ['a number that is one and out of range', with_({ suspectAfterMs: '-${N}' })],
    ['a choice', with_({ standbyConnections: '${S}' })],
    ['a url', { databases: [{ client: { url: '${S}' } }] }],
    ['a url in part', { databases: [{ client: { url: 'http://u:${S}@host' } }] }],
    ['an object', with_({ commandRetry: '${S}' })],
    ['a strategy', with_({ healthCheck: '${S}' })],
    ['a file', with_({ client: { socket: { tls: '${S}' } } })],
  ])('never show what a variable holds: %s', (_, config) => {
    const error = failure(config, { S: 'hunter2', N: '424242' });
    expect(inspect(error, { depth: 9 })).not.toMatch(/hunter2|424242/);
  });

  it('never show what a file holds', () => {
    writeFileSync(path.join(directory, 'secret'), 'hunter2');
    const config = with_({
      databases: [
        { client: { url: 'redis://a', socket: { tls: true }, password: { file: 'secret' } } },
      ],
    });
    expect(inspect(failure(config), { depth: 9 })).not.toContain('hunter2');
  });

  it('of a file that is not there', async () => {
    await expect(loadConfig('/nowhere/app.json')).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: '/nowhere/app.json: there is no such file',
    });
  });
});

describe('the schema', () => {
  it('knows every option, and no other', () => {
    for (const option of Object.keys(DEFAULTS)) {
      const parts = option.split('.').map((part) => part.replace('[]', ''));
      const value = parts.reduceRight<unknown>((inner, name) => {
        return name === 'databases' && parts.length > 1 ? [inner] : { [name]: inner };
      }, '${VARIABLE}');
      const config = {
        databases: [east],
        ...(parts[0] === 'databases' && parts.length > 1
          ? { databases: value }
          : (value as object)),
      };
      matches(config);
      const unknown = (matches.errors ?? []).some(({ keyword, params }) => {
        return keyword === 'additionalProperties' && params.additionalProperty === parts.at(-1);
      });
      expect(unknown, option).toBe(NOT_IN_A_FILE.has(option));
    }
  });

  it.each(Object.entries(STRATEGIES))('knows every option of %s', (name, { create }) => {
    let message = '';
    try {
      create({ 'no such option': 1 });
    } catch (error) {
      message = (error as Error).message;
    }
    const known = /one of ([^)]*)\)/.exec(message)?.[1]?.split(', ') ?? [];
    expect(Object.keys(STRATEGY_SCHEMAS[name as StrategyName]).sort()).toEqual(known.sort());
  });

  it('has the defaults of the table', () => {
    const { properties } = configSchema() as { properties: Record<string, { default?: unknown }> };
    expect(properties.suspectAfterMs?.default).toBe(DEFAULTS.suspectAfterMs.default);
  });
});
