/**
 * What listeners do in the middle of a switch: whatever they call, every command settles as soon as
 * it can, and nothing of it stays behind.
 */
import { describe, expect, it } from 'vitest';
import type { MultiDbEventName } from '../../src/events.js';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../../src/testing/index.js';

const DEADLINE_MS = 4000;

async function group(options = {}) {
  const clock = new VirtualClock();
  const east = new FakeDatabase({ id: 'east', clock });
  const west = new FakeDatabase({ id: 'west', clock });
  const client = new SimulatedClient({
    clock,
    databases: [
      { database: east, weight: 1 },
      { database: west, weight: 0.5 },
    ],
    options: {
      suspectAfterMs: 200,
      healthCheck: { timeoutMs: 200, intervalMs: 1000, numProbes: 1 },
      commandDeadlineMs: DEADLINE_MS,
      commandTimeoutMs: 3000,
      gracePeriodMs: 500,
      failbackCheckIntervalMs: 500,
      ...options,
    },
  });
  const connected = client.connect();
  await clock.advance(100);
  await connected;
  return { clock, east, west, client };
}

type World = Awaited<ReturnType<typeof group>>;

interface Settled {
  readonly name: string;
  readonly at: number;
  readonly error: { code?: string; name?: string; maybeExecuted?: boolean } | undefined;
}

function watch(clock: VirtualClock) {
  const settled: Settled[] = [];
  let issued = 0;
  return {
    settled,
    get open() {
      return issued - settled.length;
    },
    add(name: string, sent: Promise<unknown>) {
      issued += 1;
      const note = (error: Settled['error']) => settled.push({ name, at: clock.now(), error });
      sent.then(
        () => note(undefined),
        (error) => note(error),
      );
    },
  };
}

const FAULTS: Record<string, (world: World) => void> = {
  frozen: ({ east }) => east.freeze(),
  killed: ({ east }) => east.crash(),
  'read-only': ({ east }) => {
    east.state = 'READONLY';
  },
  'both frozen': ({ east, west }) => {
    east.freeze();
    west.freeze();
  },
  'left while well': ({ client }) => void client.setActiveDatabase('west').catch(() => {}),
};

const EVENTS: MultiDbEventName[] = [
  ...(['switch', 'failover', 'database-unhealthy', 'breaker-open', 'all-databases-down'] as const),
];

const ACTIONS: Record<string, (world: World, abort: AbortController) => void> = {
  abort: (_, abort) => abort.abort(),
  close: ({ client }) => void client.close(),
  destroy: ({ client }) => client.destroy(),
  'remove east': ({ client }) => void client.removeDatabase('east').catch(() => {}),
  'remove west': ({ client }) => void client.removeDatabase('west').catch(() => {}),
  'switch to east': ({ client }) => void client.setActiveDatabase('east').catch(() => {}),
  'force west': ({ client }) => void client.forceActiveDatabase('west').catch(() => {}),
  'drain west': ({ client }) => void client.drainDatabase('west').catch(() => {}),
  'send more': ({ client }) => {
    for (let index = 0; index < 5; index += 1) client.send(['GET', 'k']).catch(() => {});
  },
  'block the loop': ({ clock }) => clock.block(5000),
  throw: () => {
    throw new Error('of a listener');
  },
};

const AT_ONCE = { minNumOfFailures: 1, failureRateThreshold: 1 } as const;

describe.each(Object.keys(FAULTS))('%s', (fault) => {
  it.each(Object.keys(ACTIONS))('%s in a listener of each event', async (action) => {
    for (const name of EVENTS) {
      const world = await group({ failureDetector: AT_ONCE });
      const { clock, client } = world;
      const abort = new AbortController();
      const commands = watch(clock);
      client.on(name, () => ACTIONS[action]?.(world, abort));
      client.on('error', () => {});
      FAULTS[fault]?.(world);
      const startedAt = clock.now();
      const options = { abortSignal: abort.signal };
      for (const args of [
        ['GET', 'k'],
        ['SET', 'k', 'v'],
        ['INCR', 'n'],
      ]) {
        commands.add(args.join(' '), client.send(args));
        commands.add(`${args.join(' ')} with a signal`, client.send(args, options));
      }
      // Time in which the loop is blocked does not count.
      const blockedMs = action === 'block the loop' ? 60_000 : 0;
      await clock.advance(DEADLINE_MS + 5000 + blockedMs);
      const open = `${name}: ${commands.open} commands are pending`;
      expect(commands.open, open).toBe(0);
      for (const { name: command, at } of commands.settled) {
        const ms = at - startedAt;
        expect(ms, `${name}: ${command}`).toBeLessThanOrEqual(DEADLINE_MS + 50 + blockedMs);
      }
      world.east.heal();
      world.west.heal();
      client.destroy();
      await clock.advance(5000);
      expect(clock.pendingTimers, `${name}: timers`).toBe(0);
      expect(world.east.openConnections + world.west.openConnections, name).toBe(0);
    }
  });
});

it('an abort in the tick of the switch ends a read that was under way on the frozen database', async () => {
  const { clock, east, client } = await group();
  const abort = new AbortController();
  const commands = watch(clock);
  let switchedAt = 0;
  client.on('switch', () => {
    switchedAt = clock.now();
    abort.abort();
  });
  east.freeze();
  commands.add('with a signal', client.send(['GET', 'k'], { abortSignal: abort.signal }));
  commands.add('plain', client.send(['GET', 'k']));
  await clock.advance(1000);
  expect(switchedAt).toBeGreaterThan(0);
  const aborted = commands.settled.find(({ name }) => name === 'with a signal');
  expect(aborted?.error).toMatchObject({ name: 'AbortError', maybeExecuted: true });
  expect(aborted?.at).toBe(switchedAt);
  expect(commands.open).toBe(0);
  expect(commands.settled.find(({ name }) => name === 'plain')?.error).toBeUndefined();
});

it('an abort ends what waits for a retry, and what is refused in the same moment', async () => {
  const { clock, east, client } = await group({ unhealthyAfterMs: 60_000 });
  const abort = new AbortController();
  const commands = watch(clock);
  client.on('database-unhealthy', () => abort.abort());
  east.state = 'READONLY';
  const startedAt = clock.now();
  commands.add('with a signal', client.send(['SET', 'k', 'v'], { abortSignal: abort.signal }));
  await clock.advance(1000);
  expect(commands.settled).toMatchObject([{ error: { name: 'AbortError', maybeExecuted: false } }]);
  expect((commands.settled[0]?.at ?? Number.POSITIVE_INFINITY) - startedAt).toBeLessThan(100);
});
