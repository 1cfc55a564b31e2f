import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../../errors.js';
import { resolveOptions } from '../../options/validate.js';
import type { IoredisClass } from './library.js';
import { namingIoredis, translateOptions } from './translate-options.js';

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
      namingIoredis(() => resolveOptions(translate(options).engine));
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
    [one({ ...server, readOnly: true }), 'databases[0].redis.readOnly'],
    [one({ sentinels: [{}], name: 'm', role: 'slave' }), 'databases[0].redis.role'],
    [one({ sentinels: 5, name: 'm' }), 'databases[0].redis.sentinels'],
    [one({ sentinels: [{}] }), 'databases[0].redis.name'],
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
    expect(error.message).toContain(option);
  });
});
