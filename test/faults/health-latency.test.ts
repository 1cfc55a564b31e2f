/** LatencyStrategy with a server that becomes slow behind the fault proxy, and never fails. */
import { LatencyStrategy } from 'redis-multidb';
import { expect, it } from 'vitest';
import { active, connected, recordEvents, servers, Traffic } from '../integration/support.js';
import { startProxy } from '../kit/index.js';

/** Far above the latency of a loopback connection, also on a busy machine. */
const SLOW_MS = 1000;

it('a slow database is left for a fast one, and taken again when it is fast', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await connected([proxy, west], {
    healthCheck: {
      strategy: new LatencyStrategy({ slowAboveMs: SLOW_MS / 2, windowSize: 4 }),
      intervalMs: 50,
      timeoutMs: 20_000,
      numProbes: 1,
    },
    suspectAfterMs: 20_000,
    commandTimeoutMs: 20_000,
    commandDeadlineMs: 30_000,
  });
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.get('key'));
  await traffic.flows();
  proxy.delay({ toClientMs: SLOW_MS });
  await active(client, 'west');
  expect(client.explain().others[0]?.details.join()).toContain('LATENCY: slow');
  proxy.delay({ toClientMs: 0 });
  await active(client, 'east');
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.switches).toEqual(['east>west health-check', 'west>east failback']);
});
