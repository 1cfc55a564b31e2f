/** `transaction()`: WATCH and EXEC on a connection of its own. */
import { WatchError } from '@redis/client';
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectNoLeaks, type RedisServer, startProxy, waitFor } from '../kit/index.js';
import {
  active,
  clientOf,
  connected,
  connections,
  databases,
  errorOf,
  own,
  QUICK,
  servers,
  switchTo,
} from './support.js';

const zero = (): number => 0;
const BY_HAND = { failbackSupported: false };
let east: RedisServer;
let west: RedisServer;

beforeEach(async () => {
  [east, west] = await servers();
});

const increment = (client: MultiDbClient, key = 'counter', options = {}) =>
  client.transaction(
    key,
    async (tx) => {
      const value = Number((await tx.get(key)) ?? 0);
      return tx.multi().set(key, String(value + 1));
    },
    options,
  );

/** A transaction that waits in its callback until `go` is called. */
function held(client: MultiDbClient, options = {}) {
  let goOn = () => {};
  let entered = () => {};
  const isEntered = new Promise<void>((resolve) => {
    entered = resolve;
  });
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let calls = 0;
  const result = client.transaction(
    ['key'],
    async (tx) => {
      calls += 1;
      await tx.get('key');
      entered();
      await gate;
      return tx.multi().set('key', `attempt ${calls}`).set('other', '1').exec();
    },
    options,
  );
  result.catch(() => {});
  return { result, isEntered, goOn: () => goOn(), calls: () => calls };
}

describe('without a switch', () => {
  it('executes, and answers what the callback returns', async () => {
    const client = await connected([east, west]);
    expect(await increment(client)).toEqual(['OK']);
    const sum = await client.transaction(['a', 'b'], async (tx) => {
      const [a, b] = await tx.mGet(['a', 'b']);
      expect([a, b]).toEqual([null, null]);
      const [, value] = await tx.multi().set('a', '1').get('a').execTyped();
      return `a is ${value}`;
    });
    expect(sum).toBe('a is 1');
    // Without a transaction in it: also fine.
    expect(await client.transaction([], (tx) => tx.get('a'))).toBe('1');
    expect(await client.transaction('a', () => 7)).toBe(7);
  });

  it('repeats a conflict, and executes nothing of the first attempt', async () => {
    const client = await connected([east, west]);
    const first = held(client);
    await first.isEntered;
    await client.set('key', 'of another');
    first.goOn();
    expect(await first.result).toEqual(['OK', 'OK']);
    expect(first.calls()).toBe(2);
    expect(await east.command('GET', 'key')).toBe('attempt 2');
  });

  it('ends with WatchError when conflicts go on', async () => {
    const client = await connected([east, west]);
    let calls = 0;
    const error = await errorOf(
      client.transaction(
        'key',
        async (tx) => {
          calls += 1;
          await client.set('key', `${calls}`);
          return tx.multi().set('key', 'never').exec();
        },
        { maxAttempts: 3 },
      ),
    );
    expect(error).toBeInstanceOf(WatchError);
    expect(calls).toBe(3);
    expect(await client.get('key')).toBe('3');
  });

  it('counts to exactly 100 with 100 at the same time', async () => {
    const client = await connected([east, west]);
    // Ten compete at any moment, so that ten attempts may not be enough for each.
    const patient = { maxAttempts: 1000, timeoutMs: 25_000 };
    await Promise.all(Array.from({ length: 100 }, () => increment(client, 'counter', patient)));
    expect(await client.get('counter')).toBe('100');
    // The data connection, the probe's, and no more than ten.
    expect(await connections(east)).toBeLessThanOrEqual(12);
  });

  it('reuses connections, and closes them with the client', async () => {
    await expectNoLeaks(async () => {
      const client = await connected([east, west], { maxTransactionConnections: 2 });
      for (let turn = 0; turn < 20; turn += 1) await increment(client);
      expect(await connections(east)).toBe(3);
      await Promise.all(Array.from({ length: 20 }, (_, key) => increment(client, `${key}`)));
      expect(await connections(east)).toBe(4);
      await client.close();
    });
  });

  it('leaves a clean connection when the callback throws, or forgets to execute', async () => {
    const client = await connected([east, west], { maxTransactionConnections: 1 });
    const thrown = new Error('of the application');
    const error = await errorOf(
      client.transaction('key', async (tx) => {
        await tx.get('key');
        throw thrown;
      }),
    );
    expect(error).toBe(thrown);
    await client.transaction('key', (tx) => tx.get('key'));
    await client.transaction('key', (tx) => {
      // Nobody waits for it.
      tx.set('forgotten', '1').catch(() => {});
    });
    // If the key were still watched, this would be a conflict.
    await client.set('key', 'changed');
    const reply = await client.transaction([], (tx) => tx.multi().ping(), { maxAttempts: 1 });
    expect(reply).toEqual(['PONG']);
    expect(await client.get('forgotten')).toBe('1');
    expect(await connections(east)).toBe(3);
  });

  it('passes error replies on', async () => {
    const client = await connected([east, west], { maxTransactionConnections: 1 });
    await client.set('text', 'x');
    const error = await errorOf(client.transaction('text', (tx) => tx.lPush('text', 'y')));
    expect(error.message).toMatch(/^WRONGTYPE/);
    const inside = await errorOf(
      client.transaction('text', (tx) => tx.multi().lPush('text', 'y').exec()),
    );
    expect(inside.message).toMatch(/1 commands failed/);
    expect(await increment(client)).toEqual(['OK']);
  });

  it('takes watch() and unwatch() within, and views', async () => {
    const client = await connected([east, west]);
    let calls = 0;
    await client.transaction([], async (tx) => {
      calls += 1;
      await tx.watch(['late']);
      if (calls === 1) await client.set('late', '1');
      await tx.multi().set('late', '2').exec();
    });
    expect(calls).toBe(2);
    await client.transaction('key', async (tx) => {
      await tx.unwatch();
      await client.set('key', 'changed');
      const buffer = await tx.withTypeMapping({ 36: Buffer } as never).get('key');
      expect(buffer).toEqual(Buffer.from('changed'));
      await tx.multi().set('key', 'mine').exec();
    });
    expect(await client.get('key')).toBe('mine');
  });

  it('watches keys with their prefix', async () => {
    const client = own(
      createMultiDbClient({
        ...QUICK,
        databases: databases([east, west]),
        client: { keyPrefix: 'app:' } as never,
      }),
    );
    await client.connect();
    let calls = 0;
    await client.transaction(['key', Buffer.from('raw')], async (tx) => {
      calls += 1;
      if (calls === 1) await client.set('raw', '1');
      return tx.multi().set('key', `${calls}`);
    });
    expect([calls, await client.get('key')]).toEqual([2, '2']);
  });

  it('takes nothing of a transaction that is over', async () => {
    const client = await connected([east, west]);
    let kept: { get(key: string): Promise<unknown> } | undefined;
    await client.transaction('key', (tx) => {
      kept = tx;
    });
    await expect(kept?.get('key')).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    await client.transaction('key', async (tx) => {
      expect(() => tx.close()).toThrow(/^close: not available in a transaction/);
      expect(() => tx.subscribe('news', () => {})).toThrow(
        /^subscribe: not available in a transaction/,
      );
      for (const raw of ['WATCH', 'MULTI', 'EXEC']) {
        const sent: Promise<unknown> = tx.sendCommand([raw, 'x']);
        await expect(sent).rejects.toMatchObject({ code: 'UNSUPPORTED' });
      }
    });
  });

  it('may be nested as long as there are connections', async () => {
    const client = await connected([east, west], { maxTransactionConnections: 2 });
    await client.transaction('a', async (tx) => {
      await increment(client, 'b');
      return tx.multi().set('a', '1');
    });
    expect(await client.mGet(['a', 'b'])).toEqual(['1', '1']);
    const one = await connected([east, west], { maxTransactionConnections: 1 });
    const error = await errorOf(
      one.transaction('a', () => increment(one, 'b', { timeoutMs: 100 })),
    );
    expect(error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: false });
  });

  it.each([
    ['keys', [7, zero]],
    ['keys', [['a', undefined], zero]],
    ['fn', ['a', 'b']],
    ['maxAttempts', ['a', zero, { maxAttempts: 0 }]],
    ['timeoutMs', ['a', zero, { timeoutMs: Number.NaN }]],
    ['retries', ['a', zero, { retries: 3 }]],
  ])('refuses a wrong %s', async (option, args) => {
    const client = clientOf([east, west]);
    const call = (client.transaction as (...args: unknown[]) => Promise<unknown>)(...args);
    await expect(call).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    expect(String((await errorOf(call)).option)).toContain(option);
    await expect(client.transaction('a', () => 0)).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
  });
});

describe('a switch between WATCH and EXEC', () => {
  it('by hand aborts it, and nothing is executed anywhere', async () => {
    const client = await connected([east, west], BY_HAND);
    const one = held(client);
    await one.isEntered;
    await client.setActiveDatabase('west');
    expect(await errorOf(one.result)).toMatchObject({
      code: 'DATABASE_SWITCHED',
      maybeExecuted: false,
      databaseId: 'east',
    });
    one.goOn();
    expect(await increment(client)).toEqual(['OK']);
    expect([await east.command('DBSIZE'), await west.command('KEYS', '*')]).toEqual([
      0,
      ['counter'],
    ]);
    await waitFor(async () => (await connections(east)) === 2, { what: 'its connection to go' });
  });

  it('after a kill ends it, with a typed error', async () => {
    const client = await connected([east, west], BY_HAND);
    const one = held(client);
    await one.isEntered;
    await east.kill();
    one.goOn();
    const error = await errorOf(one.result);
    expect(['DATABASE_SWITCHED', 'CONNECTION_LOST']).toContain(error.code);
    await active(client, 'west');
    expect(await increment(client)).toEqual(['OK']);
    expect(await west.command('KEYS', '*')).toEqual(['counter']);
  });

  it.each([
    ['that was not written', false, { code: 'DATABASE_SWITCHED', maybeExecuted: false }],
    ['on its way', true, { maybeExecuted: true }],
  ])('after a freeze, with its EXEC %s', async (_what, isWritten, expected) => {
    const client = await connected([east, west], { ...BY_HAND, commandTimeoutMs: 1000 });
    const one = held(client);
    await one.isEntered;
    await east.freeze();
    if (isWritten) one.goOn();
    const error = await errorOf(one.result);
    one.goOn();
    expect(['DATABASE_SWITCHED', 'CONNECTION_LOST', 'COMMAND_TIMEOUT']).toContain(error.code);
    expect(error).toMatchObject(expected);
    await active(client, 'west');
    expect(await increment(client)).toEqual(['OK']);
    expect(await west.command('KEYS', '*')).toEqual(['counter']);
  });

  it('is told to every command of it, also to those that come later', async () => {
    const client = await connected([east, west], BY_HAND);
    let late: Promise<unknown> | undefined;
    const failed = errorOf(
      client.transaction('key', async (tx) => {
        const waiting = errorOf(tx.blPop('list', 5));
        await waitFor(async () => (await east.info('blocked_clients')) === '1', { what: 'BLPOP' });
        await client.setActiveDatabase('west');
        expect(await waiting).toMatchObject({ code: 'DATABASE_SWITCHED', maybeExecuted: true });
        late = errorOf(tx.set('key', 'late'));
      }),
    );
    expect(await failed).toMatchObject({ code: 'DATABASE_SWITCHED' });
    await waitFor(() => late !== undefined, { what: 'the late one' });
    expect(await late).toMatchObject({ code: 'DATABASE_SWITCHED' });
    expect(await east.command('EXISTS', 'key')).toBe(0);
  });

  it('lets an EXEC that is on its way finish where it is', async () => {
    const proxy = await startProxy(east);
    const client = await connected([proxy, west], BY_HAND);
    await increment(client);
    proxy.silence('to-client', { scope: ({ seen }) => seen.has('WATCH') });
    const result = client.transaction([], (tx) => tx.multi().incr('counter').exec());
    await waitFor(async () => (await east.command('GET', 'counter')) === '2', { what: 'EXEC' });
    await client.setActiveDatabase('west');
    proxy.restore();
    expect(await result).toEqual([2]);
    await waitFor(() => proxy.connections === 2, { what: 'its connection to go' });
  });

  it('after EXEC changes nothing', async () => {
    const client = await connected([east, west], BY_HAND);
    const result = await client.transaction('key', async (tx) => {
      await tx.multi().set('key', '1').exec();
      await client.setActiveDatabase('west');
      await expect(tx.get('key')).rejects.toMatchObject({ code: 'DATABASE_SWITCHED' });
      return 'committed';
    });
    expect(result).toBe('committed');
  });

  it('waits for a connection elsewhere, if it had none', async () => {
    const client = await connected([east, west], { ...BY_HAND, maxTransactionConnections: 1 });
    const one = held(client);
    await one.isEntered;
    const waiting = increment(client);
    await client.setActiveDatabase('west');
    expect(await waiting).toEqual(['OK']);
    expect(await errorOf(one.result)).toMatchObject({ code: 'DATABASE_SWITCHED' });
    expect(await west.command('GET', 'counter')).toBe('1');
  });

  it('by hand, over and over under load, executes each acknowledged one exactly once', async () => {
    const client = await connected([east, west], BY_HAND);
    let acknowledged = 0;
    let isOver = false;
    const errors: unknown[] = [];
    const callers = Array.from({ length: 20 }, async () => {
      while (!isOver) {
        await increment(client, 'counter', { maxAttempts: 100 }).then(
          () => {
            acknowledged += 1;
          },
          (error) => errors.push(error),
        );
      }
    });
    for (let turn = 0; turn < 10; turn += 1) {
      const goal = acknowledged + 20;
      await waitFor(() => acknowledged >= goal, { what: 'transactions', timeoutMs: 10_000 });
      await client.setActiveDatabase(turn % 2 === 0 ? 'west' : 'east');
    }
    isOver = true;
    await Promise.all(callers);
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'DATABASE_SWITCHED', maybeExecuted: false });
    }
    const counted = [await east.command('GET', 'counter'), await west.command('GET', 'counter')];
    expect(Number(counted[0]) + Number(counted[1])).toBe(acknowledged);
  });
});

describe('what can end it', () => {
  it('its deadline, whatever the callback does', async () => {
    const client = await connected([east, west], { maxTransactionConnections: 1 });
    const error = await errorOf(
      client.transaction('key', () => new Promise(() => {}), { timeoutMs: 50 }),
    );
    expect(error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: false });
    expect(await increment(client)).toEqual(['OK']);
  });

  it('a lost connection; one that was lost while it rested does not', async () => {
    const client = await connected([east, west]);
    const killAll = () => east.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    const one = held(client);
    await one.isEntered;
    await killAll();
    expect(await errorOf(one.result)).toMatchObject({
      code: 'CONNECTION_LOST',
      maybeExecuted: false,
    });
    await increment(client);
    await killAll();
    expect(await increment(client)).toEqual(['OK']);
    expect(client.activeDatabase).toBe('east');
  });

  it('a lost connection under EXEC leaves it open whether it was executed', async () => {
    const proxy = await startProxy(east);
    const client = await connected([proxy, west]);
    await increment(client);
    proxy.silence('to-client', { scope: ({ seen }) => seen.has('WATCH') });
    const failed = errorOf(client.transaction([], (tx) => tx.multi().incr('counter').exec()));
    await waitFor(async () => (await east.command('GET', 'counter')) === '2', { what: 'EXEC' });
    proxy.reset();
    expect(await failed).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
    expect(await east.command('GET', 'counter')).toBe('2');
  });

  it('destroy() at once; close() waits for it', async () => {
    const client = await connected([east, west]);
    const duplicate = own(client.duplicate());
    await duplicate.connect();
    const [one, two] = [held(client), held(duplicate)];
    await Promise.all([one.isEntered, two.isEntered]);
    client.destroy();
    expect(await errorOf(one.result)).toMatchObject({ code: 'CLIENT_CLOSED' });
    const closed = duplicate.close();
    await expect(increment(duplicate)).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    two.goOn();
    expect(await two.result).toEqual(['OK', 'OK']);
    await closed;
    await waitFor(async () => (await connections(east)) === 0, { what: 'the end' });
  });

  it('an outage of every database', async () => {
    const client = await connected([east]);
    const one = held(client);
    await one.isEntered;
    await east.kill();
    const error = await errorOf(one.result);
    expect(['DATABASE_SWITCHED', 'CONNECTION_LOST', 'TEMPORARILY_UNAVAILABLE']).toContain(
      error.code,
    );
    await waitFor(() => client.explain().state === 'down', { what: 'the verdict' });
    await expect(increment(client)).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
    const back = switchTo(client, 'east');
    await east.restart();
    await back;
    expect(await increment(client)).toEqual(['OK']);
  });
});

it('ends with its client, also between two attempts', async () => {
  const client = await connected([east, west], BY_HAND);
  let attempts = 0;
  const result = client.transaction(
    'key',
    async (tx) => {
      attempts += 1;
      await east.command('INCR', 'key');
      const conflict = await errorOf(tx.multi().set('other', '1').exec());
      if (attempts === 8) setImmediate(() => client.destroy());
      throw conflict;
    },
    // Far beyond the patience of the test.
    { maxAttempts: 1000, timeoutMs: 600_000 },
  );
  expect(await errorOf(result)).toMatchObject({ code: 'CLIENT_CLOSED', maybeExecuted: false });
});
