/** What becomes of single connections: half open, lost with the port closed, moved by DNS. */
import { createServer, connect as open, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { clientOf, connected, recordEvents, switchTo, Traffic } from '../integration/support.js';
import { startRedis, waitFor } from '../kit/index.js';
import { isData, outcome, proxied, tally } from './support.js';

it('leaves a database whose connections are all half open, and destroys them', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], { commandTimeoutMs: 500 });
  await client.set('key', 'value');
  const before = east.proxy.openConnections.map(({ id }) => id);
  const switched = switchTo(client);
  // The peer has vanished without RST; new connections are accepted but never answered.
  east.proxy.halfOpen();
  const lost = outcome(client.incr('counter'));
  expect(await client.get('key')).toBeNull();
  expect(await switched).toMatchObject({ from: 'east', to: 'west' });
  expect(await lost).toEqual({ code: 'COMMAND_TIMEOUT', maybeExecuted: true });
  const open = () => east.proxy.openConnections.map(({ id }) => id);
  await waitFor(() => before.every((id) => !open().includes(id)), { what: 'them to be destroyed' });
});

it('replaces a half-open data connection of a database that is healthy', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], { commandTimeoutMs: 60_000 });
  const events = recordEvents(client);
  await client.set('key', 'value');
  const id = east.proxy.openConnections.find(({ seen }) => seen.has('SET'))?.id;
  east.proxy.silence('both', { mode: 'drop', scope: (each) => each.id === id });
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      outcome(i % 2 ? client.incr('counter') : client.get('key')),
    ),
  );
  expect(tally(outcomes)).toEqual({ replied: 25, 'CONNECTION_LOST true': 25 });
  expect(await client.incr('counter')).toBe(1);
  expect(events.of('switch')).toEqual([]);
  expect(events.of('database-unhealthy')).toEqual([]);
});

it('takes a refused reconnect as a sign at once', async () => {
  const [east, west] = await proxied();
  // Neither silence nor the next health check could tell within the time of this test.
  const client = await connected([east.proxy, west.proxy], {
    healthCheck: { intervalMs: 600_000, timeoutMs: 250, delayInBetweenProbesMs: 0 },
    suspectAfterMs: 600_000,
  });
  const traffic = new Traffic(() => client.get('key'), { callers: 10 });
  await traffic.flows();
  const switched = switchTo(client);
  // The probe connection lives, and would be answered.
  east.proxy.refuse();
  expect(east.proxy.reset(isData)).toBe(1);
  expect(await switched).toMatchObject({ from: 'east', to: 'west', reason: 'health-check' });
  await traffic.flows();
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
});

it('stays when its data connection is cut a few times in a row, under writes', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], {
    healthCheck: { intervalMs: 200, timeoutMs: 1000, delayInBetweenProbesMs: 20 },
  });
  const events = recordEvents(client);
  let acknowledged = 0;
  let perhaps = 0;
  const traffic = new Traffic(
    async () => {
      const { reply, code, maybeExecuted } = await outcome(client.incr('counter'));
      if (reply !== undefined) acknowledged += 1;
      else if (maybeExecuted === true) perhaps += 1;
      else throw new Error(String(code));
    },
    { callers: 20 },
  );
  for (let round = 0; round < 4; round += 1) {
    await traffic.flows(100);
    await waitFor(() => east.proxy.reset(isData) > 0, { what: 'a connection to cut' });
  }
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.all).toEqual([]);
  const counter = Number(await east.server.command('GET', 'counter'));
  expect(counter).toBeGreaterThanOrEqual(acknowledged);
  expect(counter).toBeLessThanOrEqual(acknowledged + perhaps);
});

it('costs as much per command when many more were under way', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], { commandDeadlineMs: 60_000 });
  /** CPU time from the cut until all have settled. */
  const cost = async (count: number) => {
    await waitFor(() => client.isReady, { what: 'a connection' });
    const commands = Array.from({ length: count }, () => outcome(client.get('key')));
    // Some are written, most wait behind them.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const before = process.cpuUsage();
    // A probe connection whose first PING has not arrived yet is among them.
    expect(east.proxy.reset(isData)).toBeGreaterThanOrEqual(1);
    expect(tally(await Promise.all(commands))).toEqual({ replied: count });
    return process.cpuUsage(before).user / count;
  };
  await cost(4000);
  const few = await cost(4000);
  const many = await cost(32_000);
  // Eight times as many: eight times as much per command if it were quadratic.
  expect(many / few).toBeLessThan(4);
});

it('resolves the name again for every connection', async () => {
  const [old, next] = await Promise.all([startRedis(), startRedis()]);
  await old.command('SET', 'who', 'old');
  await next.command('SET', 'who', 'next');
  // The same port at another address leads to the other server.
  const relay = createServer((socket) => pipe(socket, open(next.port, '127.0.0.1')));
  await new Promise<void>((resolve) => relay.listen(old.port, '127.0.0.2', resolve));

  let address = '127.0.0.1';
  let lookups = 0;
  type Callback = (error: null, address: unknown, family?: number) => void;
  const lookup = (_name: string, options: { all?: boolean }, callback: Callback) => {
    lookups += 1;
    if (options.all) callback(null, [{ address, family: 4 }]);
    else callback(null, address, 4);
  };

  const client = clientOf([], {
    databases: [
      {
        id: 'east',
        client: { socket: { host: 'redis.example.com', port: old.port, lookup: lookup as never } },
      },
    ],
  });
  try {
    await client.connect();
    expect(await client.get('who')).toBe('old');
    const before = lookups;
    address = '127.0.0.2';
    await old.kill();
    await waitFor(async () => (await client.get('who')) === 'next', { what: 'the other address' });
    expect(lookups).toBeGreaterThan(before);
  } finally {
    client.destroy();
    relay.close();
  }
});

function pipe(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one);
  for (const socket of [one, other]) socket.on('error', () => socket.destroy());
  one.on('close', () => other.destroy());
  other.on('close', () => one.destroy());
}
