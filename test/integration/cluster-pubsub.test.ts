/** Pub/sub on clusters: plain, patterns and sharded, through faults and a switch. */
import { expect, it } from 'vitest';
import { isRedis7, type RedisCluster, type RedisServer, waitFor } from '../kit/index.js';
import {
  aCluster,
  healed,
  keyOfEach,
  masterOf,
  moveSlot,
  NODE_TIMEOUT_MS,
  OF_CLUSTERS,
  overCluster,
} from './cluster-support.js';
import { clientOf, healthy } from './support.js';

const since7 = it.runIf(await isRedis7());

const full = { nodeTimeoutMs: NODE_TIMEOUT_MS };

async function over(clusters: readonly RedisCluster[], options: object = {}) {
  const ids = ['east', 'west'];
  const list = clusters.map((cluster, i) => overCluster(ids[i] as string, cluster, 1 / (i + 1)));
  const client = clientOf([], {
    ...OF_CLUSTERS,
    databases: list,
    failbackSupported: false,
    ...options,
  } as never);
  await client.connect();
  await healthy(client);
  return client;
}

/** Publishes again and again until each of `heard` has got more. */
async function hears(publish: () => Promise<unknown>, heard: readonly string[][]): Promise<void> {
  const goals = heard.map((each) => each.length + 1);
  await waitFor(
    async () => {
      await publish();
      return heard.every((each, i) => each.length >= (goals[i] as number));
    },
    { what: 'messages to arrive', timeoutMs: 25_000, intervalMs: 20 },
  );
}

since7('every kind arrives, follows slots that move, and another database', async () => {
  const [east, west] = await Promise.all([
    aCluster({ ...full, replicasPerMaster: 0 }),
    aCluster({ ...full, replicasPerMaster: 0 }),
  ]);
  const client = await over([east, west]);
  const channels = keyOfEach(east, 'channel');
  const plain: string[] = [];
  const pattern: string[] = [];
  const sharded = channels.map((): string[] => []);
  await client.subscribe('news', (message) => plain.push(message));
  await client.pSubscribe('new*', (message) => pattern.push(message));
  await Promise.all(
    channels.map((channel, i) => client.sSubscribe(channel, (m) => sharded[i]?.push(m))),
  );

  const publishTo = (cluster: RedisCluster, owner?: RedisServer) => async () => {
    const from = cluster === east ? 'east' : 'west';
    await (cluster.masters[2] as RedisServer).command('PUBLISH', 'news', from);
    for (const channel of channels) {
      const node =
        owner !== undefined && channel === channels[0] ? owner : masterOf(cluster, channel);
      await node.command('SPUBLISH', channel, channel);
    }
  };
  await hears(publishTo(east), [plain, pattern, ...sharded]);
  expect(new Set(sharded.flat())).toEqual(new Set(channels));
  const counts = sharded.map((each) => each.length);
  await client.sPublish(channels[1] as string, 'once');
  await waitFor(() => sharded[1]?.length === (counts[1] as number) + 1, { what: 'one message' });

  const [moving] = channels as [string];
  const from = masterOf(east, moving);
  const to = east.masters.find((node) => node !== from) as RedisServer;
  await moveSlot(east, moving, from, to);
  await hears(publishTo(east, to), [plain, pattern, ...sharded]);

  await client.setActiveDatabase('west');
  const atSwitch = plain.length;
  await hears(publishTo(west), [plain, pattern, ...sharded]);
  await publishTo(east, to)();
  await client.sUnsubscribe(moving);
  await client.unsubscribe('news');
  expect(plain.slice(atSwitch)).not.toContain('east');
  const before = plain.length;
  await hears(publishTo(west), [pattern, ...sharded.slice(1)]);
  expect(plain.length).toBe(before);
});

since7('survives the end of a master', async () => {
  const east = await aCluster(full);
  const client = await over([east], { unhealthyAfterMs: 8000 });
  const channels = keyOfEach(east, 'channel');
  const plain: string[] = [];
  const sharded: string[] = [];
  const [channel] = channels as [string];
  await client.subscribe('news', (message) => plain.push(message));
  await client.sSubscribe(channel, (message) => sharded.push(message));
  const victim = masterOf(east, channel);
  await victim.kill();
  await healed(east, [victim]);
  const heard = [plain, sharded];
  await hears(async () => {
    await client.publish('news', 'x');
    await client.sPublish(channel, 'x');
  }, heard);
});
