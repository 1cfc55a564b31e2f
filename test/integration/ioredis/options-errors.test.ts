/** What is wrong in the options is said where they enter, in the words of ioredis. */
import { InvalidOptionError } from 'redis-multidb';
import { createMultiDbRedis } from 'redis-multidb/ioredis';
import { expect, it } from 'vitest';
import { own, errorOf as rejectionOf, servers } from '../support.js';
import { LIBRARIES, readyRedis } from './support.js';

function errorOf(call: () => unknown): InvalidOptionError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionError);
    return error as InvalidOptionError;
  }
  throw new Error('it was accepted');
}

it.each(LIBRARIES)('%s: views refuse what they do not know', (_name, Redis) => {
  const redis = own(
    createMultiDbRedis({
      Redis,
      redis: { lazyConnect: true },
      databases: [{ id: 'east', redis: { host: '127.0.0.1', port: 1 } }],
    }),
  );
  for (const client of [redis, redis.withOutage('wait'), redis.withRetrySafety('read')]) {
    const unsafe = errorOf(() => client.withRetrySafety('acumulating' as never));
    expect(unsafe.option).toBe('withRetrySafety');
    expect(unsafe.message).toContain("'accumulating', 'admin', received \"acumulating\"");
    const waiting = errorOf(() => client.withOutage('waiting' as never));
    expect(waiting.option).toBe('withOutage');
    expect(waiting.message).toContain("expected 'reject' or 'wait', received \"waiting\"");
  }
});

it.each(LIBRARIES)('%s: the class has to be Redis', (_name, Redis) => {
  const databases = [{ redis: 'redis://127.0.0.1:1' }];
  const create = (given: unknown) =>
    errorOf(() => createMultiDbRedis({ Redis: given, databases } as never));
  const { Cluster } = Redis as unknown as { Cluster: unknown };
  expect(create(Cluster).message).toContain(
    'a cluster is a database whose nodes stand in `databases[].cluster`',
  );
  expect(create({ Redis }).message).toContain('ioredis or iovalkey, not its module, received');
  expect(create(new Redis({ lazyConnect: true })).message).toContain('not a client, received');
  for (const wrong of [undefined, null, {}, class Other {}]) {
    const error = create(wrong);
    expect(error.option).toBe('Redis');
    expect(error.message).toContain('expected the class `Redis` of ioredis or iovalkey, received');
  }
});

it.each(LIBRARIES)('%s: a cluster takes the options of the client that it has', (_name, Redis) => {
  const redis = own(
    createMultiDbRedis({
      Redis,
      databases: [
        {
          cluster: [1],
          clusterOptions: {
            lazyConnect: true,
            keyPrefix: 'app:',
            redisOptions: { commandTimeout: 500, password: 'secret' },
          },
        },
      ],
    }),
  );
  expect(redis.status).toBe('wait');
  expect(redis.options).toMatchObject({ keyPrefix: 'app:', commandTimeout: 500 });
  expect(JSON.stringify(redis.options)).not.toContain('secret');
});

it.each(LIBRARIES)('%s: options of another library are refused', async (_name, Redis) => {
  const create = (redis: unknown) =>
    own(
      createMultiDbRedis({ Redis, redis: { lazyConnect: true }, databases: [{ redis }] } as never),
    );
  for (const [redis, option] of [
    [undefined, 'databases[0].redis'],
    [{}, 'databases[0].redis'],
    ['', 'databases[0].redis'],
    ['redis://', 'databases[0].redis'],
    ['redis://:secret@127.0.0.1:99999', 'databases[0].redis'],
    [{ url: 'redis://:secret@127.0.0.1' }, 'databases[0].redis.url'],
    [{ hostname: '127.0.0.1' }, 'databases[0].redis.hostname'],
    ['redis://127.0.0.1/2?database=3', 'databases[0].redis.database'],
    ['redis://127.0.0.1?user=app', 'databases[0].redis.user'],
  ]) {
    const error = errorOf(() => create(redis));
    expect(error.option).toBe(option);
    expect(error.message).not.toContain('secret');
  }
  for (const redis of [
    { host: '127.0.0.1', url: 'redis://127.0.0.1', database: 0, user: '' },
    'redis://127.0.0.1/2?database=2',
    'redis://app:secret@127.0.0.1?user=app&pass=secret&url=',
  ]) {
    create(redis);
  }
  const client = create({ host: '127.0.0.1', port: 1, db: 2 });
  expect(errorOf(() => client.duplicate({ database: 3 } as never)).option).toBe(
    'duplicate.database',
  );
  expect(errorOf(() => client.duplicate({ url: 'redis://h' } as never)).option).toBe(
    'duplicate.url',
  );
  own(client.duplicate({ host: '127.0.0.1', db: 2, database: 2 } as never));
});

it('a database that is added later is refused in the same words', async () => {
  const redis = await readyRedis(await servers(1));
  for (const [database, message] of [
    [{ redis: undefined }, 'database.redis: expected options of ioredis, or a URL, received undef'],
    [{ redis: {} }, 'database.redis: expected an address: `host` and `port`, `path`, `sentinels`'],
    [{ redis: { url: 'redis://h' } }, 'database.redis.url: expected a known option (did you mean'],
    [{ host: 'h' }, 'database.host: expected a known option (did you mean redis.host)'],
    [{ redis: { host: 'h', connectTimeout: -1 } }, 'database.redis.connectTimeout: expected'],
    [{ client: { url: 'h' } }, 'database.client.url: expected a URL such as redis://host:6379'],
  ] as const) {
    for (const manage of [
      () => redis.addDatabase({ id: 'west', ...database } as never),
      () => redis.replaceDatabase('east', { id: 'west', ...database } as never),
    ]) {
      const error = await rejectionOf(manage());
      expect(error).toMatchObject({ code: 'INVALID_OPTION' });
      expect(error.message).toContain(message);
    }
  }
  expect(redis.databases.map(({ id }) => id)).toEqual(['east']);
});
