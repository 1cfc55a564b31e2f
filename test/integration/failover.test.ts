import { expect, it } from 'vitest';
import { startProxy, waitFor } from '../kit/index.js';
import {
  active,
  block,
  clientOf,
  connected,
  recordEvents,
  servers,
  switchTo,
  Traffic,
} from './support.js';

it('spares 100 callers of GET every error when the active one is killed', async () => {
  const [east, west] = await servers();
  // Default thresholds and default timing: nothing is tuned.
  const client = clientOf([east, west], { healthCheck: {}, suspectAfterMs: 1000 });
  await client.connect();
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.get('key'));
  await traffic.flows();
  const switched = switchTo(client);
  void east.kill();
  expect(await switched).toMatchObject({ from: 'east', to: 'west', reason: 'health-check' });
  await traffic.flows();
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(client.activeDatabase).toBe('west');
  expect(events.switches).toEqual(['east>west health-check']);
  expect(Number(await west.info('keyspace_misses'))).toBeGreaterThanOrEqual(500);
});

it('switches as well with a command every 100 ms', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { healthCheck: {}, suspectAfterMs: 1000 });
  const traffic = new Traffic(() => client.get('key'), { callers: 1, pauseMs: 100 });
  await traffic.flows(2);
  const switched = switchTo(client);
  void east.kill();
  // Thousands of failures would take this traffic minutes.
  expect(await switched).toMatchObject({ to: 'west', reason: 'health-check' });
  await traffic.flows(2);
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
});

it('notices without any traffic that the connection to the active one is lost', async () => {
  const [east, west] = await servers();
  // No health check within the time of this test.
  const client = await connected([east, west], { healthCheck: { intervalMs: 600_000 } });
  const switched = switchTo(client);
  void east.kill();
  expect(await switched).toMatchObject({ from: 'east', to: 'west' });
  expect(await client.set('key', 'value')).toBe('OK');
  expect(await west.command('GET', 'key')).toBe('value');
});

it('leaves a frozen server long before the fixed limits when they are adaptive', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    suspectAfterMs: 'adaptive',
    healthCheck: { intervalMs: 50, timeoutMs: 'adaptive', numProbes: 1 },
  });
  const limits = () => client.databases[0]?.adaptive?.suspectAfterMs ?? Number.POSITIVE_INFINITY;
  // The first replies of a process that has just started are slow.
  await waitFor(() => limits() < 300, { what: 'the limits to settle', timeoutMs: 30_000 });
  const traffic = new Traffic(() => client.get('key'), { callers: 5, pauseMs: 5 });
  await traffic.flows(2);
  const switched = switchTo(client);
  await east.freeze();
  const { cause } = await switched;
  await traffic.flows();
  await traffic.stop();
  expect(Number(/no answer within (\d+)/.exec(cause)?.[1])).toBeLessThan(1000);
  expect(traffic.errors).toEqual([]);
});

it('leaves a frozen server, with no error for callers of GET', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { healthCheck: { timeoutMs: 250 } });
  const traffic = new Traffic(() => client.get('key'));
  await traffic.flows();
  const switched = switchTo(client);
  await east.freeze();
  expect(await switched).toMatchObject({ from: 'east', to: 'west', reason: 'health-check' });
  await traffic.flows();
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
});

it('leaves a database behind a network that drops everything', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await connected([proxy, west]);
  const traffic = new Traffic(() => client.get('key'), { callers: 10 });
  await traffic.flows();
  const switched = switchTo(client);
  proxy.silence('both');
  expect(await switched).toMatchObject({ from: 'east', to: 'west' });
  await traffic.flows();
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
});

it('goes on to a third one when the second is gone, too', async () => {
  const [east, west, north] = await servers(3);
  const client = await connected([east, west, north]);
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.get('key'), { callers: 10 });
  await traffic.flows();
  await Promise.all([east.kill(), west.kill()]);
  await active(client, 'north');
  await traffic.flows();
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.of('switch').at(-1)).toMatchObject({ to: 'north' });
});

it('takes the best of the others, not the next in the list', async () => {
  const [east, west, north] = await servers(3);
  const client = await connected([east, west, north]);
  client.setWeight('north', 0.75);
  const switched = switchTo(client);
  await east.kill();
  expect(await switched).toMatchObject({ from: 'east', to: 'north' });
});

it('stays when every connection of a database that is healthy is cut', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.get('key'));
  await traffic.flows();
  for (let round = 0; round < 3; round += 1) {
    await east.command('CLIENT', 'KILL', 'TYPE', 'normal');
    await traffic.flows();
  }
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.of('switch')).toEqual([]);
  expect(events.of('database-unhealthy')).toEqual([]);
});

it('stays when the event loop was blocked', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.get('key'));
  await traffic.flows();
  for (const ms of [1000, 3000]) {
    block(ms);
    await traffic.flows();
  }
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.all).toEqual([]);
});

it('stays under a flood of application errors', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    failureDetector: { minNumOfFailures: 10, failureRateThreshold: 1 },
  });
  const events = recordEvents(client);
  await client.set('text', 'value');
  const replies = await Promise.allSettled(
    Array.from({ length: 5000 }, () => client.lPush('text', 'x')),
  );
  for (const reply of replies) {
    expect((reply as PromiseRejectedResult).reason.message).toMatch(/^WRONGTYPE/);
  }
  expect(client.databases[0]).toMatchObject({ breaker: 'closed', failures: 0 });
  expect(events.all).toEqual([]);
});
