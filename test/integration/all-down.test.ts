import { PermanentlyUnavailableError, TemporarilyUnavailableError } from 'redis-multidb';
import { expect, it } from 'vitest';
import { waitFor } from '../kit/index.js';
import { readyRedis } from './ioredis/support.js';
import {
  active,
  connected,
  errorOf,
  LONG_GRACE,
  own,
  recordEvents,
  servers,
  Traffic,
} from './support.js';

it('fails commands at once with a typed error, and serves again by itself', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const events = recordEvents(client);
  await Promise.all([east.kill(), west.kill()]);
  await active(client, undefined);
  await waitFor(() => events.of('all-databases-down').length === 1, { what: 'the event' });
  expect(client.isReady).toBe(false);
  expect(client.isOpen).toBe(true);
  for (const command of [() => client.get('key'), () => client.incr('counter')]) {
    const error = await errorOf(command());
    expect(error).toBeInstanceOf(TemporarilyUnavailableError);
    expect(error).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE', maybeExecuted: false });
  }
  const [down] = events.of('all-databases-down');
  expect(down?.failures.map(({ id }) => id)).toEqual(['east', 'west']);
  for (const { cause } of down?.failures ?? []) expect(cause).toMatch(/ECONNREFUSED|connection/);

  await west.restart();
  await active(client, 'west');
  expect(await client.incr('counter')).toBe(1);
  const [recovered] = events.of('recovered');
  expect(recovered).toMatchObject({ id: 'west', at: expect.any(Date) });
  expect(recovered?.downForMs).toBeGreaterThan(0);
  expect(events.of('switch').at(-1)).toMatchObject({ from: undefined, reason: 'recovered' });
});

it('turns from temporary to permanent errors, and is not terminal then either', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    maxNumFailoverAttempts: 3,
    delayInBetweenFailoverAttemptsMs: 20,
  });
  await Promise.all([east.kill(), west.kill()]);
  await active(client, undefined);
  const error = await waitFor(
    async () => {
      const seen = await errorOf(client.get('key'));
      return seen instanceof PermanentlyUnavailableError ? seen : undefined;
    },
    { what: 'a permanent error' },
  );
  expect(error).toMatchObject({ code: 'PERMANENTLY_UNAVAILABLE', maybeExecuted: false });
  await east.restart();
  await active(client, 'east');
  expect(await client.ping()).toBe('PONG');
});

it('settles everything that was under way when the last one fails', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  await west.kill();
  await waitFor(() => !client.isHealthy('west'), { what: 'west to be found dead' });
  await east.freeze();
  const gets = Array.from({ length: 1000 }, () => client.get('key'));
  const increments = Array.from({ length: 1000 }, () => client.incr('counter'));
  const replies = await Promise.allSettled([...gets, ...increments]);
  for (const [index, reply] of replies.entries()) {
    expect(reply.status).toBe('rejected');
    const { reason } = reply as PromiseRejectedResult;
    expect(reason.code).toMatch(/^(TEMPORARILY_UNAVAILABLE|CONNECTION_LOST)$/);
    if (index >= 1000) expect(reason.maybeExecuted).toBe(true);
  }
});

it('uses a database in its grace period when it is the only one that is healthy', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], LONG_GRACE);
  const events = recordEvents(client);
  await east.kill();
  await active(client, 'west');
  await east.restart();
  await waitFor(() => client.isHealthy('east'), { what: 'east to be healthy' });
  await west.kill();
  await active(client, 'east');
  expect(await client.ping()).toBe('PONG');
  expect(client.explain().active).toMatchObject({ id: 'east', lastResort: true });
  expect(events.switches).toEqual(['east>west health-check', 'west>east health-check']);
});

it('with one database alone waits for it to return', async () => {
  const [east] = await servers(1);
  const client = await connected([east]);
  const traffic = new Traffic(() => client.get('key'), { callers: 10 });
  await traffic.flows();
  await east.kill();
  await active(client, undefined);
  expect(await errorOf(client.get('key'))).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
  await east.restart();
  await active(client, 'east');
  await traffic.flows();
  await traffic.stop();
  for (const error of traffic.errors)
    expect(error).toMatchObject({ maybeExecuted: expect.any(Boolean) });
});

it('with outage "wait" commands wait for a database, however long', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { commandDeadlineMs: 2000 });
  const view = client.withRetrySafety('accumulating').withOutage('wait');
  await west.kill();
  await waitFor(() => !client.isHealthy('west'), { what: 'west to be found dead' });
  await east.freeze();
  // In flight when the last database fails: nobody knows whether it was executed.
  const inFlight = view.incr('in-flight');
  await east.kill();
  await active(client, undefined);
  const order: string[] = [];
  const note = (name: string) => order.push(name);
  const waiting = Promise.all([
    inFlight,
    view.rPush('list', 'a').finally(() => note('first')),
    view.blPop('list', 30).finally(() => note('second')),
    view.multi().incr('counter').exec(),
  ]);
  expect(await errorOf(client.get('key'))).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
  const limited = errorOf(client.withCommandOptions({ outage: 'wait', timeout: 2000 }).get('key'));
  // The deadline of the others passes before.
  expect(await limited).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: false });
  expect(order).toEqual([]);
  await west.restart();
  expect(await waiting).toEqual([1, 1, { key: 'list', element: 'a' }, [1]]);
  expect(order).toEqual(['first', 'second']);
});

it('with outage "wait" commands of an ioredis client wait as well, and it reconnects', async () => {
  const [east] = await servers(1);
  const redis = await readyRedis([east]);
  const reconnected = own(redis.duplicate());
  await reconnected.ping();
  await east.kill();
  await waitFor(() => redis.status === 'reconnecting', { what: 'the outage' });
  const view = redis.withOutage('wait');
  const waiting = view.pipeline().incr('counter').get('counter').exec();
  const other = own(view.duplicate()).get('key');
  reconnected.disconnect(true);
  const afterReconnect = new Promise((resolve) => reconnected.once('ready', resolve));
  expect(await errorOf(redis.get('key'))).toMatchObject({ message: 'Connection is closed.' });
  await east.restart();
  const results = [
    [null, 1],
    [null, '1'],
  ];
  expect(await Promise.all([waiting, other])).toEqual([results, null]);
  await afterReconnect;
});

it('closing rejects commands that wait for a database', async () => {
  const [east] = await servers(1);
  const client = await connected([east]);
  const other = own(client.duplicate());
  await other.connect();
  await east.kill();
  await active(client, undefined);
  const [closed, destroyed] = [client, other].map((each) =>
    errorOf(each.withOutage('wait').get('key')),
  );
  await client.close();
  expect(await closed).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
  other.destroy();
  expect(await destroyed).toMatchObject({ code: 'CLIENT_CLOSED' });
});
