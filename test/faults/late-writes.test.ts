/**
 * After a failover no connection of ours writes to the database that was left. (What a server or
 * the network had received before may still run there: that is nobody's to take back.)
 */
import { expect, it } from 'vitest';
import { connected, switchTo, Traffic } from '../integration/support.js';
import { sleep, waitFor } from '../kit/index.js';
import { byCallers, clients, outcome, type Proxied, proxied, tally } from './support.js';

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** What the database got from the client since `mark`, but for health checks and handshakes. */
const since = ({ proxy }: Proxied, mark: number) => byCallers(proxy.commands.slice(mark));

it.each([
  ['default', {}],
  ['fastFailover', { fastFailover: true }],
  ['retryOnFailover', { retryOnFailover: true }],
])(
  'a partition that heals delivers nothing that was sent after the switch: %s',
  async (_name, options) => {
    const [east, west] = await proxied();
    const client = await connected([east.proxy, west.proxy], {
      commandTimeoutMs: 600,
      gracePeriodMs: 600_000,
      ...options,
    });
    await client.incr('counter');
    const before = await clients(east.server);
    const old = before.find(({ cmd }) => cmd === 'incr')?.id as string;
    expect(old).toBeDefined();

    const told: (boolean | number)[] = [];
    const write = async () => {
      const { reply, maybeExecuted } = await outcome(client.incr('counter'));
      told.push(reply === undefined ? maybeExecuted === true : Number(reply));
    };
    const traffic = new Traffic(write, { callers: 20 });
    await traffic.flows(100);
    let mark = -1;
    client.once('switch', () => {
      mark = east.proxy.commands.length;
    });
    const switched = switchTo(client, 'west');
    // The network keeps what it got, and delivers it when it heals.
    east.proxy.silence('both');
    await switched;
    await traffic.flows(500);
    await traffic.stop();
    // Every caller has its result, so the deadlines of all commands in flight on east have passed.
    await east.proxy.restore();
    const ids = async () => (await clients(east.server)).map(({ id }) => id);
    await waitFor(async () => !(await ids()).includes(old), {
      what: 'the old connection to be gone',
    });
    await waitFor(() => client.isHealthy('east'), { what: 'east to be healthy' });

    expect(since(east, mark)).toEqual([]);
    // Each command that ran on east was acknowledged, or rejected with `maybeExecuted: true`.
    const onEast = Number(await east.server.command('GET', 'counter')) - 1;
    const onWest = Number(await west.server.command('GET', 'counter'));
    const perhaps = told.filter((each) => each === true).length;
    const acknowledged = told.filter((each) => typeof each === 'number').length;
    expect(told.filter((each) => each === false)).toEqual([]);
    expect(onEast + onWest).toBeGreaterThanOrEqual(acknowledged);
    expect(onEast + onWest).toBeLessThanOrEqual(acknowledged + perhaps);
  },
);

it('closes the connections to a frozen server before it wakes up', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.server, west.proxy], {
    commandTimeoutMs: 400,
    gracePeriodMs: 600_000,
  });
  await client.incr('counter');
  const before = (await clients(east.server)).map(({ id }) => id);
  const switched = switchTo(client, 'west');
  await east.server.freeze();
  const outcomes = numbers(200).map(() => outcome(client.incr('counter')));
  await switched;
  const counts = tally(await Promise.all(outcomes));
  expect(counts).toEqual({ 'COMMAND_TIMEOUT true': 200 });
  const after = numbers(200).map(() => outcome(client.incr('counter')));
  expect(tally(await Promise.all(after))).toEqual({ replied: 200 });
  await east.server.thaw();
  const ids = async () => (await clients(east.server)).map(({ id }) => id);
  const left = async () => (await ids()).filter((id) => before.includes(id));
  await waitFor(async () => (await left()).length === 0, {
    what: 'the connections of before to be gone',
  });
  await waitFor(() => client.isHealthy('east'), { what: 'east to be healthy' });
  // The server had received the 200 before; what came after the switch never got there.
  expect(Number(await east.server.command('GET', 'counter'))).toBeLessThanOrEqual(201);
  expect(await west.server.command('GET', 'counter')).toBe('200');
});

it('a write that was told to be unsent is not sent when its connection heals', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], {
    unhealthyAfterMs: 600_000,
    commandTimeoutMs: 300,
    commandDeadlineMs: 300,
  });
  await client.get('key');
  east.proxy.silence('both');
  const big = outcome(client.set('big', Buffer.alloc(64 * 1024 * 1024)));
  await new Promise((resolve) => setImmediate(resolve));
  const pushes = numbers(100).map((i) => outcome(client.rPush('list', String(i))));
  const outcomes = await Promise.all(pushes);
  expect(await big).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: true });
  const unsent = numbers(100).filter((i) => outcomes[i]?.maybeExecuted === false);
  expect(unsent.length).toBeGreaterThanOrEqual(99);
  await east.proxy.restore();
  await waitFor(() => client.isReady, { what: 'a connection' });
  await client.rPush('list', 'end');
  await waitFor(() => east.proxy.connections <= 2, { what: 'old connections to end' });
  await sleep(50);
  const arrived = (await east.server.command('LRANGE', 'list', '0', '-1')) as string[];
  expect(arrived.filter((value) => unsent.includes(Number(value)))).toEqual([]);
  expect(arrived.at(-1)).toBe('end');
});
