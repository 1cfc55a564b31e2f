/** Slow calls with a server that becomes slow behind the fault proxy, and never fails. */
import { expect, it } from 'vitest';
import { startProxy, waitFor } from '../kit/index.js';
import { active, connected, recordEvents, servers, Traffic } from './support.js';

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

it('nobody is left when all are slow, nor for the load and the large values of this process', async () => {
  const [east, west] = await servers();
  const proxies = await Promise.all([startProxy(east), startProxy(west)]);
  const client = await connected(proxies, { ...OPTIONS, failureDetector: { slowCallMs: 200 } });
  const events = recordEvents(client);
  // A burst that takes longer than the limit by itself, and a reply that arrives slowly.
  await client.set('large', 'x'.repeat(2_000_000));
  await Promise.all([
    ...Array.from({ length: 30_000 }, () => client.get('small')),
    ...Array.from({ length: 20 }, () => client.get('large')),
  ]);
  // A busy machine may take so long that `degraded` says so.
  await waitFor(() => client.databases[0]?.slow === false, {
    what: 'the calls to be fast',
    timeoutMs: 10_000,
  });
  const traffic = new Traffic(() => client.get('key'));
  for (const proxy of proxies) proxy.delay({ toClientMs: SLOW_MS });
  const degraded = new Promise((resolve) => client.on('degraded', resolve));
  expect(await degraded).toMatchObject({ id: 'east' });
  for (const proxy of proxies) proxy.delay({ toClientMs: 0 });
  await traffic.stop();
  expect(events.switches).toEqual([]);
});
