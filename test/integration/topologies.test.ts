/** What is more than a command, over the topologies: the same as over one connection. */
import type { MultiDbClient, MultiDbClientOptions } from 'redis-multidb';
import { redisSteering } from 'redis-multidb/steering';
import { beforeEach, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis, startSentinel, waitFor } from '../kit/index.js';
import { expectSteered, KEY } from './steering-support.js';
import { clientOf, healthy, own, switchTo } from './support.js';

type Kind = 'pool' | 'sentinel';

describe.each<Kind>(['pool', 'sentinel'])('%s', (kind) => {
  let east: RedisServer;
  let west: RedisServer;
  let client: MultiDbClient;
  const steering = redisSteering({ key: KEY, intervalMs: 20 });

  beforeEach(async () => {
    west = await startRedis();
    const common = { id: 'east', weight: 2 };
    if (kind === 'pool') {
      east = await startRedis();
      const pool = { minimum: 2, maximum: 4 };
      client = await start({ ...common, topology: 'pool', client: { url: east.url }, pool });
    } else {
      const deployment = await startSentinel({ sentinels: 1, replicas: 0 });
      east = await deployment.master();
      const { name, seeds: sentinelRootNodes } = deployment;
      client = await start({
        ...common,
        topology: 'sentinel',
        sentinel: { name, sentinelRootNodes },
      });
    }
  });

  async function start(first: object): Promise<MultiDbClient> {
    const started = clientOf([], {
      databases: [first, { id: 'west', client: { url: west.url } }],
      unhealthyAfterMs: 0,
      steering,
    } as Partial<MultiDbClientOptions>);
    await started.connect();
    await healthy(started);
    return started;
  }

  it('optimistic transactions hold under concurrency, before and after a switch', async () => {
    const increment = () =>
      client.transaction('counter', async (tx) => {
        const value = Number((await tx.get('counter')) ?? 0);
        return tx.multi().set('counter', String(value + 1));
      });
    await Promise.all(Array.from({ length: 5 }, increment));
    expect(await east.command('GET', 'counter')).toBe('5');
    await client.forceActiveDatabase('west');
    await increment();
    expect(await west.command('GET', 'counter')).toBe('1');
  });

  it('subscriptions follow', async () => {
    const heard: string[] = [];
    await client.subscribe('news', (message) => heard.push(message));
    await client.publish('news', 'from east');
    await waitFor(() => heard.includes('from east'), { what: 'the message of east' });
    const switched = switchTo(client, 'west');
    await east.kill();
    await switched;
    const told = async () => {
      await west.command('PUBLISH', 'news', 'from west');
      return heard.includes('from west');
    };
    await waitFor(told, { what: 'a message of west' });
  });

  it('a duplicate has connections of its own and switches in the same instant', async () => {
    const worker = own(client.duplicate());
    await worker.connect();
    const popped = worker.blPop('list', 0);
    await waitFor(async () => Number(await east.info('blocked_clients')) === 1, { what: 'BLPOP' });
    expect(await client.incr('n')).toBe(1);
    await east.kill();
    await waitFor(async () => Number(await west.info('blocked_clients')) === 1, {
      what: 'BLPOP at west',
      timeoutMs: 10_000,
    });
    await client.lPush('list', 'x');
    expect(await popped).toEqual({ key: 'list', element: 'x' });
  });

  it('scans, scripts, pipelines and steering', async () => {
    await east.command('DEBUG', 'POPULATE', '500');
    let seen = 0;
    for await (const keys of client.scanIterator()) seen += keys.length;
    expect(seen).toBe(500);
    expect(await client.eval('return ARGV[1]', { arguments: ['x'] })).toBe('x');
    expect(await client.multi().set('k', 'v').get('k').execAsPipeline()).toEqual(['OK', 'v']);

    await expectSteered(client, steering, east);
  });
});
