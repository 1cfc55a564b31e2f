/** Slow calls with a server that becomes slow behind the fault proxy, and never fails. */
import { expect, it } from 'vitest';
import { startProxy } from '../kit/index.js';
import { active, block, connected, recordEvents, servers, Traffic } from './support.js';

/** Far above the latency of a loopback connection, also on a busy machine. */
const SLOW_MS = 1000;

const OPTIONS = {
  failureDetector: { slowCallMs: SLOW_MS / 2, slidingWindowSizeMs: 10_000, minNumOfSlowCalls: 2 },
  healthCheck: { intervalMs: 50, timeoutMs: 20_000, numProbes: 1 },
  suspectAfterMs: 20_000,
  commandTimeoutMs: 20_000,
  commandDeadlineMs: 30_000,
};

it.each([['client'], ['pool']] as const)(
  '%s: a slow database is left for a fast one, and taken again when it is fast',
  async (topology) => {
    const [east, west] = await servers();
    const proxy = await startProxy(east);
    const client = await connected([proxy, west], {
      ...OPTIONS,
      databases: [proxy, west].map(({ url }, index) => ({
        id: ['east', 'west'][index] as string,
        weight: 2 - index,
        topology,
        client: { url },
      })) as never,
    });
    await active(client, 'east');
    const events = recordEvents(client);
    const traffic = new Traffic(() => client.get('key'));
    await traffic.flows();
    proxy.delay({ toClientMs: SLOW_MS });
    await active(client, 'west');
    expect(client.explain().others[0]?.lacks).toContain('slow');
    proxy.delay({ toClientMs: 0 });
    await active(client, 'east');
    await traffic.stop();
    expect(traffic.errors).toEqual([]);
    expect(events.switches).toEqual(['east>west slow', 'west>east failback']);
  },
);

it('nobody is left when all are slow', async () => {
  const proxies = await Promise.all((await servers()).map((server) => startProxy(server)));
  const client = await connected(proxies, OPTIONS);
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.get('key'));
  for (const proxy of proxies) proxy.delay({ toClientMs: SLOW_MS });
  const degraded = new Promise((resolve) => client.on('degraded', resolve));
  expect(await degraded).toMatchObject({ id: 'east' });
  for (const proxy of proxies) proxy.delay({ toClientMs: 0 });
  await traffic.stop();
  expect(events.switches).toEqual([]);
});

it('nobody is left for a blocked event loop, nor for large values that arrive slowly', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await connected([proxy, west], OPTIONS);
  const events = recordEvents(client);
  const large = 'x'.repeat(100_000);
  await client.set('large', large);

  const answered = Promise.all(Array.from({ length: 1000 }, () => client.get('small')));
  block(2 * SLOW_MS);
  await answered;
  expect(client.databases[0]?.slowCalls).toBe(0);

  // Each value needs a second for itself, so that later ones are answered late; PING is not.
  proxy.trickle({
    bytesPerSecond: large.length,
    direction: 'to-client',
    scope: ({ seen }) => seen.has('GET'),
  });
  const values = await Promise.all(Array.from({ length: 4 }, () => client.get('large')));
  expect(values.every((value) => value === large)).toBe(true);
  expect(client.databases[0]?.slowCalls).toBeGreaterThanOrEqual(2);
  expect(events.switches).toEqual([]);
});
