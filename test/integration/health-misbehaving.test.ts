/** Bad options, and strategies and policies that misbehave: a clear error or a clean result, never a crash. */
import {
  type HealthCheckFunction,
  type HealthCheckSetting,
  type HealthCheckStrategy,
  InvalidOptionError,
  type Probe,
  type ProbingPolicy,
} from 'redis-multidb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { turns, waitFor } from '../kit/index.js';
import { clientOf, connected, connections, databases, healthy, QUICK, servers } from './support.js';

const rejections: unknown[] = [];
const onRejection = (error: unknown) => rejections.push(error);

beforeEach(() => {
  rejections.length = 0;
  process.on('unhandledRejection', onRejection);
});

afterEach(async () => {
  await turns(5);
  process.off('unhandledRejection', onRejection);
  expect(rejections).toEqual([]);
});

/** A client whose standby `west` is checked so, while `east` serves. */
async function withWest(healthCheck: HealthCheckSetting) {
  const [east, west] = await servers();
  const [first, second] = databases([east, west]);
  const client = clientOf([], {
    databases: [first!, { ...second!, healthCheck }],
  });
  await client.connect();
  expect(client.activeDatabase).toBe('east');
  return client;
}

/** What explain() shows of `west` once it is unhealthy. */
async function reasonOfWest(check: HealthCheckFunction, more: object = {}): Promise<string> {
  const strategy: HealthCheckStrategy = { name: 'custom', check };
  const client = await withWest({ ...QUICK.healthCheck, ...more, strategy });
  await waitFor(() => client.explain().others[0]?.lacks.includes('unhealthy'), {
    what: 'west to be unhealthy',
  });
  expect(client.activeDatabase).toBe('east');
  expect(await client.set('key', 'value')).toBe('OK');
  return client.explain().others[0]?.details.join('; ') ?? '';
}

describe('a strategy that', () => {
  it.each<[string, HealthCheckFunction, string]>([
    [
      'throws at once',
      () => {
        throw new Error('no licence');
      },
      'unhealthy (custom: no licence)',
    ],
    ['rejects', () => Promise.reject(new Error('no licence')), 'unhealthy (custom: no licence)'],
    [
      'throws no Error',
      () => {
        throw 'a string';
      },
      'unhealthy (custom: the check threw a string)',
    ],
    [
      'rejects with nothing',
      () => Promise.reject(),
      'unhealthy (custom: the check threw undefined)',
    ],
    [
      'throws an Error without a message',
      () => {
        throw new RangeError();
      },
      'unhealthy (custom: RangeError)',
    ],
    ['answers false', () => false, 'unhealthy (custom: custom did not answer true)'],
    ...[undefined, null, 'true', 1, {}, [], 'PONG'].map(
      (garbage): [string, HealthCheckFunction, string] => [
        `answers ${JSON.stringify(garbage) ?? 'nothing'}`,
        () => garbage as never,
        'unhealthy (custom: custom did not answer true)',
      ],
    ),
    ['never settles', () => new Promise(() => {}), 'unhealthy (custom: no answer within 500 ms)'],
    [
      'has an error reply',
      async ({ sendCommand }) => (await sendCommand(['NOSUCHCOMMAND'])) === 'OK',
      'unhealthy (custom: ERR unknown command',
    ],
    [
      'sends no command at all',
      async ({ sendCommand }) => (await sendCommand([])) === 'OK',
      'unhealthy (custom: ',
    ],
  ])('%s makes its database unhealthy, with the reason, and no other', async (_, check, reason) => {
    expect(await reasonOfWest(check)).toContain(reason);
  });

  it('answers after its time has no effect', async () => {
    const late: ((healthy: boolean) => void)[] = [];
    let isLate = true;
    const strategy = {
      name: 'late',
      check: () => (isLate ? new Promise<boolean>((resolve) => late.push(resolve)) : true),
    };
    const client = await withWest({ ...QUICK.healthCheck, strategy });
    await waitFor(() => late.length >= 2, { what: 'the second probe' });
    expect(client.isHealthy('west')).toBe(false);
    late[0]?.(true);
    await turns(5);
    expect(client.isHealthy('west')).toBe(false);
    isLate = false;
    await healthy(client, 'west');
    for (const resolve of late) resolve(false);
    await turns(5);
    expect(client.isHealthy('west')).toBe(true);
  });

  it.each(['resolves', 'rejects'])('%s after close() has no effect', async (how) => {
    const pending: PromiseWithResolvers<boolean>[] = [];
    const probes: Probe[] = [];
    const events: string[] = [];
    const strategy = {
      name: 'late',
      check: (probe: Probe) => {
        probes.push(probe);
        const late = withResolvers<boolean>();
        pending.push(late);
        return late.promise;
      },
    };
    const client = await withWest({ ...QUICK.healthCheck, timeoutMs: 60_000, strategy });
    await waitFor(() => pending.length > 0, { what: 'a probe' });
    for (const name of ['database-healthy', 'database-unhealthy', 'error'] as const) {
      client.on(name, () => events.push(name));
    }
    await client.close();
    expect(probes[0]?.signal.aborted).toBe(true);
    for (const late of pending) {
      if (how === 'resolves') late.resolve(true);
      else late.reject(new Error('too late'));
    }
    await turns(5);
    expect(events).toEqual([]);
    expect(probes).toHaveLength(1);
    // What it was lent works no longer.
    await expect(probes[0]?.sendCommand(['PING'])).rejects.toThrow();
    await expect(probes[0]?.wait(1)).rejects.toThrow();
    await expect(probes[0]?.subscribe('x', () => {})).rejects.toThrow();
  });

  it('does not await what it sends does not end the process', async () => {
    const client = await withWest({
      ...QUICK.healthCheck,
      strategy: ({ sendCommand, wait, subscribe }) => {
        void sendCommand(['PING']);
        void wait(1000);
        void subscribe('channel', () => {});
        return true;
      },
    });
    await healthy(client, 'west');
    await client.close();
  });

  it('sends nothing more after its probe has ended', async () => {
    const [east, west] = await servers();
    let ended: Promise<unknown> | undefined;
    const [first, second] = databases([east, west]);
    const check: HealthCheckFunction = async ({ sendCommand, signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      ended = sendCommand(['SET', 'late', 'write']).catch((error) => error);
      return true;
    };
    const client = clientOf([], {
      databases: [first!, { ...second!, healthCheck: { ...QUICK.healthCheck, strategy: check } }],
    });
    await client.connect();
    await waitFor(() => ended, { what: 'the probe to end' });
    expect(await ended).toBeInstanceOf(Error);
    expect(await west.command('EXISTS', 'late')).toBe(0);
  });

  it.each<[string, () => void | Promise<void>]>([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['never settles', () => new Promise(() => {})],
  ])('%s in close() does not keep the client from closing', async (_, close) => {
    let closed = 0;
    const strategy: HealthCheckStrategy = {
      check: () => true,
      close: () => {
        closed += 1;
        return close();
      },
    };
    const client = await connected(await servers(), { healthCheck: strategy });
    await client.close();
    expect(closed).toBe(1);
  });

  it('is slow is never probed twice at a time, whatever happens to the connection', async () => {
    const [east] = await servers(1);
    const running = new Set<Probe>();
    let most = 0;
    const strategy: HealthCheckFunction = async (probe) => {
      running.add(probe);
      most = Math.max(most, running.size);
      probe.signal.addEventListener('abort', () => running.delete(probe));
      await probe.wait(30);
      await probe.sendCommand(['PING']);
      running.delete(probe);
      return true;
    };
    const client = await connected([east], { healthCheck: { ...QUICK.healthCheck, strategy } });
    for (let cut = 0; cut < 5; cut++) {
      await east.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await waitFor(() => client.isReady && client.databases[0]?.connected, {
        what: 'a connection',
      });
    }
    await healthy(client, 'east');
    expect(most).toBe(1);
    await waitFor(async () => (await connections(east)) === 2, { what: 'two connections' });
  });
});

describe('a policy that', () => {
  it.each<[string, ProbingPolicy, RegExp]>([
    [
      'throws',
      () => {
        throw new Error('no opinion');
      },
      /unhealthy \(PING: the probing policy .*threw/,
    ],
    ['answers nonsense', () => 'maybe' as never, /the probing policy answered neither/],
    ['never decides', () => 'continue', /nothing was left to wait for/],
    ['answers fail without a failure', () => 'fail', /the probing policy answered '?fail/],
  ])('%s fails its rounds, with the reason', async (_, policy, reason) => {
    const client = await withWest({ ...QUICK.healthCheck, policy });
    await waitFor(() => client.explain().others[0]?.lacks.includes('unhealthy'), {
      what: 'west to be unhealthy',
    });
    expect(client.explain().others[0]?.details.join()).toMatch(reason);
    expect(client.activeDatabase).toBe('east');
  });

  it('tolerates lost probes keeps a database that answers every other one', async () => {
    let count = 0;
    const strategy = { name: 'every other', check: () => (count++ + 1) % 2 === 0 };
    const policy: ProbingPolicy = ({ successes, failures, numProbes }) => {
      if (successes >= 2) return 'success';
      return failures > numProbes - 2 ? 'fail' : 'continue';
    };
    const client = await withWest({ ...QUICK.healthCheck, strategy, policy, numProbes: 4 });
    const unhealthy: unknown[] = [];
    client.on('database-unhealthy', (event) => unhealthy.push(event));
    await healthy(client, 'west');
    await waitFor(() => count > 16, { what: 'several rounds' });
    expect(unhealthy).toEqual([]);
  });
});

describe('options', () => {
  const west = { id: 'west', client: { url: 'redis://127.0.0.1:1' } };
  const check = () => true;

  it.each<[string, unknown]>([
    ['healthCheck', true],
    ['healthCheck', []],
    ['healthCheck', 'PING'],
    ['healthCheck.numProbes', { numProbes: 0 }],
    ['healthCheck.numProbes', { numProbes: 1.5 }],
    ['healthCheck.policy', { policy: 'MOST_SUCCESS' }],
    ['healthCheck.policy', { policy: 'toString' }],
    ['healthCheck.timeoutMs', { timeoutMs: Number.NaN }],
    ['healthCheck.intervalMs', { intervalMs: 2 ** 31 }],
    ['healthCheck.delayInBetweenProbesMs', { delayInBetweenProbesMs: -1 }],
    ['healthCheck.interval', { interval: 1000 }],
    ['healthCheck.strategy', { strategy: {} }],
    ['healthCheck.strategy', { strategy: 'PING' }],
    ['healthCheck.strategy.role', { strategy: { check, role: 'guard' } }],
    ['healthCheck.strategy.close', { strategy: { check, close: true } }],
    ['healthCheck[1].numProbes', [{}, { numProbes: 0 }]],
  ])('%s: %j is rejected', (option, healthCheck) => {
    const make = (options: object) => () => clientOf([], options as never);
    expect(make({ databases: [west], healthCheck })).toThrow(InvalidOptionError);
    expect(make({ databases: [west], healthCheck })).toThrow(expect.objectContaining({ option }));
    const inDatabase = { databases: [{ ...west, healthCheck }] };
    expect(make(inDatabase)).toThrow(expect.objectContaining({ option: `databases[0].${option}` }));
  });

  it('a class in place of an object is told so', () => {
    class Mine {
      check = check;
    }
    const make = () => clientOf([], { databases: [west], healthCheck: Mine as never });
    expect(make).toThrow(/an instance, not the class/);
  });

  it('a timeout longer than the interval is allowed, and warned of', async () => {
    const warned = new Promise<Error & { code?: string }>((resolve) => {
      process.once('warning', resolve);
    });
    const client = await withWest({ ...QUICK.healthCheck, timeoutMs: 5000 });
    await healthy(client, 'west');
    expect(await warned).toMatchObject({ code: 'REDIS_MULTIDB_SLOW_HEALTH_CHECK' });
  });
});

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: PromiseWithResolvers<T>['resolve'];
  let reject!: PromiseWithResolvers<T>['reject'];
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

interface PromiseWithResolvers<T> {
  promise: Promise<T>;
  resolve: (value: T | PromiseLike<T>) => void;
  reject: (reason?: unknown) => void;
}
