import { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { InvalidOptionError } from '../../errors.js';
import { resolveDatabase, resolveOptions } from '../../options/validate.js';
import { createGroup } from '../create-group.js';
import type { IoredisClass } from './library.js';
import { translateOptions } from './translate-options.js';

const Class = Redis as unknown as IoredisClass;
const translate = (options: object) => translateOptions(Class, { Redis: Class, ...options });
const database = (redis: unknown, shared?: object) =>
  (translate({ redis: shared, databases: [{ redis }] }).engine.databases as object[])[0];
const server = { host: 'east.example.com', port: 6380 };

describe('one database', () => {
  it('is a server with the options of node-redis', () => {
    const tls = { ca: 'certificate', servername: 'east' };
    const given = { ...server, username: 'u', password: 'p', db: 2, family: 6, tls };
    expect(database({ ...given, keepAlive: 5000, noDelay: true, connectTimeout: 300 })).toEqual({
      topology: 'client',
      client: {
        username: 'u',
        password: 'p',
        database: 2,
        socket: {
          ...server,
          ...tls,
          tls: true,
          family: 6,
          keepAlive: true,
          keepAliveInitialDelay: 5000,
          noDelay: true,
          connectTimeout: 300,
        },
      },
    });
  });

  it.each([
    [
      'redis://u:p%40@h:7000/3',
      { username: 'u', password: 'p@', database: 3 },
      { host: 'h', port: 7000 },
    ],
    ['rediss://h', {}, { host: 'h', port: 6379, tls: true }],
    ['/tmp/redis.sock', {}, { path: '/tmp/redis.sock' }],
    ['h:7001', {}, { host: 'h', port: 7001 }],
    ['redis://:secret@h', { password: 'secret' }, { host: 'h', port: 6379 }],
  ])('is what the URL %s says', (url, client, socket) => {
    expect(database(url)).toEqual({ topology: 'client', client: { ...client, socket } });
  });

  it('is read without the constructor of a subclass', () => {
    const created: unknown[] = [];
    class Own extends Redis {
      constructor(options: { readonly host: string }) {
        super({ ...options, keyPrefix: 'own:' });
        created.push(options);
      }
    }
    const databases = [{ redis: 'redis://h:7000' }, { redis: server }, { cluster: [server] }];
    const { engine } = translateOptions(Own as unknown as IoredisClass, { databases });
    expect((engine.databases as object[])[0]).toEqual({
      topology: 'client',
      client: { socket: { host: 'h', port: 7000 } },
    });
    expect(created).toEqual([]);
  });

  it('takes what it lacks from the shared options, TLS as well', () => {
    const shared = { password: 'p', tls: {} };
    expect(database(server, shared)).toEqual({
      topology: 'client',
      client: { password: 'p', socket: { ...server, tls: true } },
    });
    expect(database({ ...server, password: 'own' }, shared)).toMatchObject({
      client: { password: 'own' },
    });
  });

  it('is a master behind Sentinel', () => {
    const natMap = { '10.0.0.1:6379': { host: 'outside', port: 1 } };
    const sentinels = [{ host: 's1', port: 26_379 }, { host: 's2' }];
    const given = { sentinels, name: 'main', sentinelPassword: 'sp', password: 'p', natMap };
    expect(database(given)).toEqual({
      topology: 'sentinel',
      sentinel: {
        name: 'main',
        sentinelRootNodes: [
          { host: 's1', port: 26_379 },
          { host: 's2', port: 26_379 },
        ],
        nodeClientOptions: { password: 'p', socket: {} },
        sentinelClientOptions: { password: 'sp', socket: {} },
        nodeAddressMap: natMap,
      },
    });
  });

  it('is a cluster', () => {
    const natMap = { '10.0.0.1:6379': { host: 'outside', port: 1 } };
    const { engine } = translate({
      databases: [
        {
          id: 'c',
          cluster: ['redis://n1:7000', { host: 'n2', port: 7001 }],
          clusterOptions: { redisOptions: { password: 'p', tls: {} }, natMap },
        },
      ],
    });
    expect((engine.databases as object[])[0]).toEqual({
      id: 'c',
      topology: 'cluster',
      cluster: {
        rootNodes: [{ socket: { host: 'n1', port: 7000 } }, { socket: { host: 'n2', port: 7001 } }],
        defaults: { password: 'p', socket: { tls: true } },
        nodeAddressMap: natMap,
      },
    });
    expect(() => resolveOptions(engine)).not.toThrow();
  });

  it('is a cluster with the options that ioredis has for one', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const given = {
      keyPrefix: 'app:',
      lazyConnect: true,
      scaleReads: 'master',
      maxRedirections: 3,
      useSRVRecords: false,
      clusterRetryStrategy: () => 100,
      slotsRefreshTimeout: 2000,
      dnsLookup: (address: string, callback: (error: null, address: string) => void) =>
        callback(null, address),
      redisOptions: { db: 0, commandTimeout: 500, lazyConnect: false, maxRetriesPerRequest: null },
    };
    const { engine, client } = translate({
      databases: [{ cluster: [7000], clusterOptions: given }],
    });
    expect((engine.databases as object[])[0]).toEqual({
      topology: 'cluster',
      cluster: {
        rootNodes: [{ socket: { host: '127.0.0.1', port: 7000 } }],
        defaults: { database: 0, socket: {} },
        maxCommandRedirections: 3,
      },
    });
    expect(client).toEqual({
      keyPrefix: 'app:',
      lazyConnect: true,
      commandTimeout: 500,
      maxRetriesPerRequest: null,
    });
    expect(() => resolveOptions(engine)).not.toThrow();
    const texts = warn.mock.calls.map(([text]) => String(text));
    warn.mockRestore();
    for (const name of ['clusterRetryStrategy', 'slotsRefreshTimeout', 'dnsLookup']) {
      expect(texts).toContainEqual(expect.stringContaining(`option ${name} has no effect: `));
    }
    expect(texts).toHaveLength(3);
  });

  it('may have the form of config files', () => {
    const given = { id: 'east', client: { url: 'redis://east' } };
    expect(translate({ databases: [given] }).engine.databases).toEqual([given]);
  });
});

describe('the client', () => {
  it('has the options that are no options of a connection, from either place', () => {
    const { client } = translate({
      redis: { keyPrefix: 'p:', password: 'secret' },
      databases: [
        { redis: { ...server, maxRetriesPerRequest: null, username: 'u' } },
        { redis: { host: 'west', maxRetriesPerRequest: null } },
      ],
    });
    expect(client).toEqual({ ...server, keyPrefix: 'p:', maxRetriesPerRequest: null });
  });

  it('has no options of other libraries, which belong to a database and may be secret', () => {
    const { client } = translate({
      databases: ['east', 'west'].map((host) => ({
        redis: {
          ...{ host, url: `redis://:secret@${host}`, password: host, pass: host, auth: host },
          ...{ hostname: host, user: '', database: 0 },
        },
      })),
    });
    expect(client).toEqual({ host: 'east' });
  });

  it('asks for RESP 3 only where replies in its form are wanted', () => {
    const respOf = (redis: object) =>
      (translate({ redis, databases: [{ redis: server }] }).engine.client as { RESP: number }).RESP;
    expect(respOf({})).toBe(2);
    expect(respOf({ protocol: 3 })).toBe(2);
    expect(respOf({ protocol: 3, replyMapping: 'resp3' })).toBe(3);
  });

  it('has what a config file says about it; the options of ioredis override that', () => {
    const client = { keyPrefix: 'a:', commandOptions: { timeout: 50 }, RESP: 3 };
    const databases = [{ id: 'east', client: { url: 'redis://east' } }];
    const { client: first, engine } = translate({ client, databases });
    expect(first).toMatchObject({ keyPrefix: 'a:', commandTimeout: 50 });
    expect(engine.client).toMatchObject({ RESP: 2 });
    const { client: second } = translate({ client, redis: { keyPrefix: 'b:' }, databases });
    expect(second).toMatchObject({ keyPrefix: 'b:', commandTimeout: 50 });
  });

  it('keeps connecting unless it is told otherwise', () => {
    const of = (options: object) =>
      translate({ ...options, databases: [{ redis: server }] }).engine;
    expect(of({}).keepConnectingMs).toBe(2 ** 31 - 1);
    expect(of({ keepConnectingMs: 5 }).keepConnectingMs).toBe(5);
  });
});

describe('what is rejected', () => {
  const errorOf = (options: object) => {
    try {
      const { naming, engine } = translate(options);
      naming(() => resolveOptions(engine));
    } catch (error) {
      return error as InvalidOptionError;
    }
    throw new Error('it was accepted');
  };
  const one = (redis: unknown) => ({ databases: [{ redis }] });

  it.each([
    [{}, 'databases'],
    [one(5.5), 'databases[0].redis'],
    [one(null), 'databases[0].redis'],
    [one(undefined), 'databases[0].redis'],
    [one(''), 'databases[0].redis'],
    [one('http://h'), 'databases[0].redis'],
    [one('h:6380,password=secret,ssl=True'), 'databases[0].redis'],
    [one('redis://:secret@h:99999'), 'databases[0].redis'],
    [one({ ...server, port: 'x' }), 'databases[0].redis.port'],
    [one({ ...server, port: 65_536 }), 'databases[0].redis.port'],
    [one({ ...server, db: 'x' }), 'databases[0].redis.db'],
    [one({ ...server, db: -1 }), 'databases[0].redis.db'],
    [one({ ...server, commandTimeout: -1 }), 'databases[0].redis.commandTimeout'],
    [one('redis://h?commandTimeout=soon'), 'databases[0].redis.commandTimeout'],
    [{ ...one(server), redis: '' }, 'redis'],
    [{ ...one(server), redis: null }, 'redis'],
    [{ databases: [{ cluster: undefined }] }, 'databases[0].cluster'],
    [{ databases: [{ cluster: [] }] }, 'databases[0].cluster'],
    [{ databases: [{ cluster: 'redis://:secret@h' }] }, 'databases[0].cluster'],
    [{ databases: [{ cluster: ['h', undefined] }] }, 'databases[0].cluster[1]'],
    [{ databases: [{ cluster: ['h'], redis: 'h' }] }, 'databases[0].redis'],
    [{ databases: [{ redis: 'h', client: {} }] }, 'databases[0].client'],
    [{ databases: [{ redis: 'h', topology: 'pool' }] }, 'databases[0].topology'],
    [{ databases: [{ redis: 'h', topology: 'cluster' }] }, 'databases[0].topology'],
    [{ databases: [{ redis: 'h', clusterOptions: {} }] }, 'databases[0].clusterOptions'],
    [one({ ...server, readOnly: true }), 'databases[0].redis.readOnly'],
    [one({ sentinels: [{}], name: 'm', role: 'slave' }), 'databases[0].redis.role'],
    [one({ sentinels: 5, name: 'm' }), 'databases[0].redis.sentinels'],
    [one({ sentinels: [{}] }), 'databases[0].redis.name'],
    [one({ sentinels: [], name: 'm' }), 'databases[0].redis.sentinels'],
    [one({ sentinels: [{ port: 'x' }], name: 'm' }), 'databases[0].redis.sentinels[0].port'],
    [one({ sentinels: [{}], name: 'm', sentinelTLS: 5 }), 'databases[0].redis.sentinelTLS'],
    [one({ ...server, tls: 5 }), 'databases[0].redis.tls'],
    [
      one({ ...server, tls: { rejectUnauthorized: 'x' } }),
      'databases[0].redis.tls.rejectUnauthorized',
    ],
    [{ redis: { connectTimeout: -1 }, databases: [{ redis: server }] }, 'redis.connectTimeout'],
    [
      { databases: [{ cluster: [{ ...server, connectTimeout: -1 }] }] },
      'databases[0].cluster[0].connectTimeout',
    ],
    [
      { databases: [{ cluster: ['h'], clusterOptions: { redisOptions: { connectTimeout: -1 } } }] },
      'databases[0].clusterOptions.redisOptions.connectTimeout',
    ],
    [
      { databases: [{ cluster: ['h'], clusterOptions: { scaleReads: 'slave' } }] },
      'databases[0].clusterOptions.scaleReads',
    ],
    [
      { databases: [{ cluster: ['h'], clusterOptions: { useSRVRecords: true } }] },
      'databases[0].clusterOptions.useSRVRecords',
    ],
    [
      { databases: [{ cluster: ['h'], clusterOptions: { maxRedirections: -1 } }] },
      'databases[0].clusterOptions.maxRedirections',
    ],
    [
      { databases: [{ cluster: ['h'], clusterOptions: { password: 'secret' } }] },
      'databases[0].clusterOptions.password',
    ],
    [
      { databases: [{ cluster: ['h'], clusterOptions: { redisOptions: { url: 'redis://h' } } }] },
      'databases[0].clusterOptions.redisOptions.url',
    ],
    [
      {
        redis: { keyPrefix: 'a' },
        databases: [{ cluster: ['h'], clusterOptions: { redisOptions: { keyPrefix: 'b' } } }],
      },
      'databases[0].clusterOptions.redisOptions.keyPrefix',
    ],
    [{ databases: [{ client: { url: 'http://h' } }] }, 'databases[0].client.url'],
    [
      { databases: [{ client: { socket: { connectTimeout: -1 } } }] },
      'databases[0].client.socket.connectTimeout',
    ],
    [one({ ...server, connectTimeout: -1 }), 'databases[0].redis.connectTimeout'],
    [{ client: { clientSideCache: {} }, ...one('redis://h') }, 'client.clientSideCache'],
    [{ databases: [{ topology: 'pool', client: { url: 'redis://h' } }] }, 'databases[0].topology'],
    [
      {
        databases: [
          { redis: { ...server, keyPrefix: 'a' } },
          { redis: { host: 'b', keyPrefix: 'b' } },
        ],
      },
      'databases[1].redis.keyPrefix',
    ],
    [
      { databases: [{ cluster: ['h'], clusterOptions: { slots: 1 } }] },
      'databases[0].clusterOptions.slots',
    ],
  ])('%j names %s', (options, option) => {
    const error = errorOf(options);
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.option).toBe(option);
    expect(error.message).toContain(`${option}: expected `);
    expect(error.message).not.toContain('secret');
  });

  const REDIS = 'expected options of ioredis, or a URL, received ';
  const ADDRESS =
    'expected an address: `host` and `port`, `path`, `sentinels` with `name`, or a URL in place of the object, received ';
  const NODES =
    'expected a non-empty array of nodes: URLs, or objects with `host` and `port`, received ';

  it.each([
    [one(undefined), `databases[0].redis: ${REDIS}undefined`],
    [one(''), `databases[0].redis: ${REDIS}""`],
    [one({}), `databases[0].redis: ${ADDRESS}an object`],
    [one({ db: 1, host: '' }), `databases[0].redis: ${ADDRESS}an object`],
    [one('redis:///1'), `databases[0].redis: ${ADDRESS}"redis://***"`],
    [{ databases: [{ id: 'q' }] }, `databases[0].redis: ${ADDRESS}undefined`],
    [{ redis: server, databases: [{ id: 'q' }] }, `databases[0].redis: ${ADDRESS}undefined`],
    [{ databases: [{ cluster: undefined }] }, `databases[0].cluster: ${NODES}undefined`],
    [
      { databases: [{ client: {} }] },
      'databases[0].client: expected an address: `url`, or `socket`',
    ],
  ])('%j says what is missing', (options, message) => {
    expect(() => {
      const { naming, engine } = translate(options);
      naming(() => createGroup(engine, () => ({}) as never));
    }).toThrow(message);
  });

  it.each([
    [{ keyPrefix: 'p' }, 'keyPrefix', 'did you mean redis.keyPrefix)'],
    [{ retryStrategy: 1 }, 'retryStrategy', 'did you mean redis.retryStrategy)'],
    [{ host: 'h' }, 'host', 'did you mean redis.host or databases[].redis.host)'],
    [{ user: 'u' }, 'user', 'did you mean redis.username or databases[].redis.username)'],
    [{ url: 'redis://:secret@h' }, 'url', 'did you mean databases[].redis)'],
    [{ keyprefix: 'p' }, 'keyprefix', 'did you mean redis.keyPrefix)'],
    [{ database: [] }, 'database', 'did you mean databases)'],
    [{ Databases: [] }, 'Databases', 'did you mean databases)'],
    [{ maxAttempts: 1 }, 'maxAttempts', 'did you mean commandRetry.maxAttempts)'],
    [{ Cluster: 1 }, 'Cluster', 'did you mean databases[].cluster)'],
    [{ zzzzzzzzzz: 1 }, 'zzzzzzzzzz', '(one of Redis, redis, databases, client, '],
  ])('the top level does not have %o', (given, option, text) => {
    const error = errorOf({ ...one(server), ...given });
    expect(error.option).toBe(option);
    expect(error.message).toContain(text);
    expect(error.message).not.toContain('secret');
  });

  it.each([
    [{ host: 'h' }, 'host', 'did you mean redis.host)'],
    [{ keyPrefix: 'h' }, 'keyPrefix', 'did you mean redis.keyPrefix)'],
    [{ url: 'redis://:secret@h' }, 'url', 'did you mean redis)'],
    [{ name: 'east', ...server }, 'name', 'did you mean id, or redis.name of a master'],
    [{ cluster: ['h'], clusterOption: {} }, 'clusterOption', 'did you mean clusterOptions)'],
    [{ nodes: ['h'] }, 'nodes', 'did you mean cluster)'],
    [{ redis: 'h', wieght: 1 }, 'wieght', 'did you mean weight)'],
    [{ redis: 'h', zzzzzzzzzz: 1 }, 'zzzzzzzzzz', '(one of redis, cluster, clusterOptions, id, '],
  ])('a database does not have %o', (given, option, text) => {
    const error = errorOf({ databases: [given] });
    expect(error.option).toBe(`databases[0].${option}`);
    expect(error.message).toContain(text);
    expect(error.message).not.toContain('secret');
  });

  it('a database that is added later is named in the same words', () => {
    const { translating } = translate(one(server));
    const add = (database: object) => () =>
      translating(database, (translated) => {
        const { group } = resolveOptions(translate(one(server)).engine);
        return resolveDatabase(translated, 'database', group);
      });
    expect(add({ redis: { host: 'west', connectTimeout: -1 } })).toThrow(
      /^database\.redis\.connectTimeout: expected milliseconds/,
    );
    expect(add({ redis: undefined })).toThrow(`database.redis: ${REDIS}undefined`);
    expect(add({ host: 'h' })).toThrow(
      'database.host: expected a known option (did you mean redis.',
    );
    expect(add({ redis: 'west' })()).toMatchObject({ topology: 'client' });
  });

  it('a database that is added later has no other options of the client', () => {
    const { translating } = translate(one({ ...server, commandTimeout: 50 }));
    const add = (redis: object) => translating({ redis }, () => 'added');
    const cluster = (redisOptions: object) =>
      translating({ cluster: ['h'], clusterOptions: { redisOptions } }, () => 'added');
    for (const option of [
      { keyPrefix: 'p:' },
      { stringNumbers: true },
      { commandTimeout: 60 },
      { scripts: { one: { lua: 'return 1' } } },
    ]) {
      const message = `${Object.keys(option)[0]}: expected the same value for all databases`;
      expect(() => add({ ...server, ...option })).toThrow(message);
      expect(() => cluster(option)).toThrow(message);
    }
    const same = { keyPrefix: '', commandTimeout: 50, maxRetriesPerRequest: 20, lazyConnect: true };
    const ineffective = {
      enableOfflineQueue: false,
      retryStrategy: () => 1,
      skipVersionCheck: true,
    };
    expect(add({ ...server, ...same, ...ineffective })).toBe('added');
    expect(add({ ...server, keyPrefix: null, scripts: null, protocol: null })).toBe('added');
    expect(() => add({ ...server, commandTimeout: null })).toThrow('commandTimeout');
    expect(() => add({ ...server, maxRetriesPerRequest: null })).toThrow('maxRetriesPerRequest');
    expect(add(new Redis({ ...server, lazyConnect: true, commandTimeout: 50 }).options)).toBe(
      'added',
    );
  });
});

describe('what ioredis takes as well', () => {
  it('an empty number of a database, which is 0, and numbers in the form of text', () => {
    const { client } = translate({
      databases: [{ redis: { host: 'h', port: '7', db: '', commandTimeout: '50' } }],
    });
    expect(client).toEqual({ host: 'h', port: 7, commandTimeout: 50 });
    expect(database({ sentinels: [{ host: 's', port: '26380' }], name: 'm' })).toMatchObject({
      sentinel: { sentinelRootNodes: [{ host: 's', port: 26_380 }] },
    });
  });

  it('a port of this machine', () => {
    expect(database('6380')).toMatchObject({ client: { socket: { port: 6380 } } });
    expect(database({ port: 6380, host: '' })).toMatchObject({
      client: { socket: { port: 6380 } },
    });
  });

  it('undefined beside the form of config files', () => {
    const given = { id: 'east', client: { url: 'redis://east' } };
    const databases = [{ ...given, redis: undefined, cluster: undefined }];
    expect(translate({ databases }).engine.databases).toEqual([given]);
  });
});
