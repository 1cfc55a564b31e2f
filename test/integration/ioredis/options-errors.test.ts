/** What is wrong in the options is said where they enter, in the words of ioredis. */
import { InvalidOptionError } from 'redis-multidb';
import { createMultiDbRedis } from 'redis-multidb/ioredis';
import { expect, it } from 'vitest';
import { own } from '../support.js';
import { LIBRARIES } from './support.js';

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
