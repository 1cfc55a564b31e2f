/** What a client makes of steering, on virtual time with two databases; east has the higher weight. */
import { afterEach, expect, it } from 'vitest';
import type { SteeredEvent, SwitchEvent } from '../../events.js';
import type { SteeringContext, SteeringSource } from '../../options/steering.js';
import type { MultiDbOptions } from '../../options/types.js';
import { eastAndWest } from '../../testing/east-and-west.js';
import { FakeDatabase, type SimulatedClient } from '../../testing/index.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

class MemorySource implements SteeringSource {
  context: SteeringContext | undefined;
  watchers = 0;

  constructor(
    readonly name = 'memory',
    private readonly first?: unknown,
  ) {}

  watch(context: SteeringContext): () => void {
    this.context = context;
    this.watchers += 1;
    if (this.first === undefined) context.absent();
    else context.deliver(this.first);
    return () => {
      this.watchers -= 1;
    };
  }
}

const isUnhealthy = (client: SimulatedClient) => client.databases[1]?.health === 'unhealthy';
let version = 0;
const at = (wallTime: number) => new Date(wallTime).toISOString();

async function world(options: Partial<MultiDbOptions> = {}, given?: MemorySource) {
  const source = given ?? new MemorySource();
  const { clock, client, east, west } = await eastAndWest({
    healthCheck: { intervalMs: 100, timeoutMs: 50, numProbes: 1 },
    gracePeriodMs: 1000,
    failbackCheckIntervalMs: 5000,
    instanceId: 'a-1',
    steering: source,
    ...options,
  });
  clients.push(client);
  const switches: SwitchEvent[] = [];
  const steered: SteeredEvent[] = [];
  const errors: Error[] = [];
  client.on('switch', (event) => switches.push(event));
  client.on('steered', (event) => steered.push(event));
  client.on('error', (error) => errors.push(error));
  const nextVersion = () => {
    version += 1;
    return version;
  };
  const document = (content: object) => ({
    schemaVersion: 1,
    version: nextVersion(),
    issuedAt: at(clock.wallTime()),
    by: 'ada',
    reason: 'upgrade',
    ...content,
  });
  const publish = (content: object) => source.context?.deliver(document(content));
  const until = (inMs: number) => at(clock.wallTime() + inMs);
  return { clock, client, east, west, source, switches, steered, errors, document, publish, until };
}

it('drains a database, says who and why, and returns by itself', async () => {
  const { clock, client, switches, steered, publish, until } = await world();
  expect(client.activeDatabase).toBe('east');
  publish({ drain: ['east'], until: until(60_000), spread: 1000 });
  await clock.advance(2000);
  expect(client.activeDatabase).toBe('west');
  expect(switches).toMatchObject([{ from: 'east', to: 'west', reason: 'steered' }]);
  expect(switches[0]?.cause).toBe(`steering version ${version} by ada (upgrade)`);
  expect(client.explain().toString()).toContain('by ada (upgrade): drains east');
  expect(client.explain().others[0]?.details.join()).toContain('drained by steering');
  expect(client.stats().steering).toMatchObject({ obeyedVersion: version, newestVersion: version });
  await clock.advance(62_000);
  expect(client.activeDatabase).toBe('east');
  expect(switches[1]).toMatchObject({ to: 'east', reason: 'failback' });
  expect(steered.map(({ state }) => state)).toEqual(['received', 'obeyed', 'ended']);
  // What has ended is no older version: processes are compared by it.
  expect(client.stats().steering).toMatchObject({ obeyedVersion: 0, newestVersion: version });
});

it('moves at its place in the window, and says when', async () => {
  const { clock, client, publish } = await world();
  publish({ drain: ['east'], spread: 100_000 });
  const { place = 0, next } = client.explain().steering ?? {};
  expect(place).toBeGreaterThan(0.05);
  const inMs = (next?.obeyedAt.getTime() ?? 0) - clock.wallTime();
  expect(Math.abs(inMs - place * 100_000)).toBeLessThanOrEqual(2);
  await clock.advance(inMs - 100);
  expect(client.activeDatabase).toBe('east');
  await clock.advance(1000);
  expect(client.activeDatabase).toBe('west');
});

it('returns at its place when a drain is released with a spread, or at a failback check', async () => {
  const { clock, client, switches, publish } = await world({ failbackCheckIntervalMs: 300_000 });
  const { place = 0 } = client.explain().steering ?? {};
  const drained = async () => {
    publish({ drain: ['east'] });
    await clock.until(() => client.activeDatabase === 'west', 5000, 'the steered move');
  };
  await drained();
  publish({ spread: 100_000 });
  await clock.advance(place * 100_000 - 100);
  expect(client.activeDatabase).toBe('west');
  await clock.advance(2000);
  expect(client.activeDatabase).toBe('east');
  expect(switches.at(-1)).toMatchObject({ reason: 'steered' });
  await drained();
  publish({ failback: false, spread: 1000 });
  await clock.advance(10_000);
  expect(client.activeDatabase).toBe('west');
  publish({});
  await clock.advance(10_000);
  expect(client.activeDatabase).toBe('west');
  await clock.advance(300_000);
  expect(client.activeDatabase).toBe('east');
});

it('fails over and back although the drained database is the only one left', async () => {
  const { clock, client, west, publish } = await world();
  publish({ drain: ['east'] });
  await clock.until(() => client.activeDatabase === 'west', 5000, 'the steered move');
  west.crash();
  await clock.until(() => client.activeDatabase === 'east', 5000, 'the failover');
  expect(client.explain().active?.lastResort).toBe(true);
  west.heal();
  await clock.until(() => client.activeDatabase === 'west', 20_000, 'the return');
});

it('moves later when the other database was silent in its moment', async () => {
  const { clock, client, west, publish } = await world({ failbackCheckIntervalMs: 3_600_000 });
  const { place = 0 } = client.explain().steering ?? {};
  publish({ drain: ['east'], spread: 10_000 });
  await clock.advance(place * 10_000 - 5);
  west.freeze();
  await clock.advance(60);
  expect(client.activeDatabase).toBe('east');
  west.heal();
  await clock.until(() => client.activeDatabase === 'west', 20_000, 'the steered move');
});

it('never prefers an unhealthy database, and takes it when it is well', async () => {
  const { clock, client, west, publish } = await world();
  west.crash();
  await clock.until(() => isUnhealthy(client), 5000, 'the failure of west');
  publish({ prefer: 'west' });
  await clock.advance(10_000);
  expect(client.activeDatabase).toBe('east');
  west.heal();
  await clock.until(() => client.activeDatabase === 'west', 20_000, 'the move');
});

it('keeps the drained database while no other one can serve', async () => {
  const { clock, client, west, publish } = await world();
  west.crash();
  await clock.until(() => isUnhealthy(client), 5000, 'the failure of west');
  publish({ drain: ['east'] });
  await clock.advance(5000);
  expect(client.activeDatabase).toBe('east');
  expect(client.explain().active?.why).toContain('last resort');
  west.heal();
  await clock.until(() => client.activeDatabase === 'west', 20_000, 'the move');
});

it('force makes an unhealthy database active, and a lost connection is still a failure', async () => {
  const check = { healthy: true };
  const { clock, client, publish, west } = await world({
    healthCheck: {
      strategy: ({ databaseId }) => databaseId !== 'west' || check.healthy,
      intervalMs: 100,
      numProbes: 1,
    },
  });
  check.healthy = false;
  await clock.until(() => isUnhealthy(client), 5000, 'the failure of west');
  publish({ prefer: 'west', force: true });
  await clock.until(() => client.activeDatabase === 'west', 5000, 'the forced move');
  await clock.advance(5000);
  expect(client.activeDatabase).toBe('west');
  west.crash();
  await clock.until(() => client.activeDatabase === 'east', 5000, 'the failover');
});

it('failback off keeps what is active, and weights move at once', async () => {
  const { clock, client, east, publish } = await world();
  publish({ failback: false });
  east.crash();
  await clock.until(() => client.activeDatabase === 'west', 5000, 'the failover');
  east.heal();
  await clock.advance(20_000);
  expect(client.activeDatabase).toBe('west');
  publish({ weights: { east: 5, west: 1 } });
  await clock.until(() => client.activeDatabase === 'east', 1000, 'the steered move');
  expect(client.databases[0]?.weight).toBe(5);
});

it('what is invalid, unreachable, older or conflicting changes nothing and is reported', async () => {
  const { clock, client, source, errors, document, publish } = await world();
  publish({ drain: ['east'] });
  const published = version;
  const current = { ...document({ drain: ['east'] }), version: published };
  await clock.until(() => client.activeDatabase === 'west', 5000, 'the steered move');
  const sourceState = () => client.explain().steering?.sources[0];
  const { context } = source;
  for (const bad of ['{', '{"schemaVersion":2}', 'x'.repeat(20_000), { ...current, more: 1 }]) {
    context?.deliver(bad);
    expect(sourceState()?.state).toBe('invalid');
  }
  context?.fail(new Error('refused'));
  context?.fail(new Error('refused'));
  expect(sourceState()).toMatchObject({ state: 'unreachable', cause: 'refused', failures: 6 });
  context?.deliver({ ...current, version: 1, issuedAt: '2001-01-01T00:00:00Z', drain: ['west'] });
  expect(sourceState()?.state).toBe('older');
  context?.deliver({ ...current, issuedAt: '2001-01-01T00:00:00Z', drain: ['west'] });
  expect(sourceState()?.state).toBe('conflict');
  context?.absent();
  await clock.advance(10_000);
  expect(client.activeDatabase).toBe('west');
  expect(errors.map(({ message }) => message)).toContain('steering source memory: refused');
  expect(errors.length).toBe(6);
});

it('knows what to do before it starts, and waits for a source no longer than initialWaitMs', async () => {
  const first = { schemaVersion: 1, version: 1, issuedAt: at(0), by: 'ada', reason: 'x' };
  const ready = await world({}, new MemorySource('memory', { ...first, prefer: 'west' }));
  expect(ready.client.activeDatabase).toBe('west');
  expect(ready.client.explain().switches.map(({ to }) => to)).toEqual(['west']);
  const mute = { name: 'mute', watch: () => () => {} };
  const late = await world({ steering: mute });
  expect(late.client.activeDatabase).toBe('east');
});

it('stops and reports when own errors rise during the hold', async () => {
  const { clock, client, west, switches, steered, publish } = await world();
  const traffic = async (times: number, disturb = () => {}) => {
    for (let n = 0; n < times; n += 1) {
      client.send(['INCR', 'k']).catch(() => {});
      await clock.advance(0.2);
      disturb();
      await clock.advance(100);
    }
  };
  await traffic(20);
  publish({ drain: ['east'], spread: [{ share: 1, holdMs: 20_000 }] });
  await clock.until(() => client.activeDatabase === 'west', 5000, 'the steered move');
  await traffic(40, () => west.killConnections('data'));
  expect(steered.map(({ state }) => state)).toEqual(['received', 'obeyed', 'stopped']);
  await clock.until(() => client.activeDatabase === 'east', 5000, 'the way back');
  expect(switches.at(-1)).toMatchObject({ reason: 'steered', to: 'east' });
  expect(switches.at(-1)?.cause).toContain('was stopped');
  expect(client.explain().steering?.stopped?.why).toContain('errors rose on west');
  expect(client.stats().steering?.stopped).toBe(1);
});

it('what is forced by hand in one process takes precedence', async () => {
  const { clock, client, publish } = await world();
  const forced = client.forceActiveDatabase('east', { durationMs: 10_000 });
  await clock.advance(1000);
  await forced;
  publish({ prefer: 'west' });
  await clock.advance(5000);
  expect(client.activeDatabase).toBe('east');
  await clock.until(() => client.activeDatabase === 'west', 20_000, 'the move');
});

it('a drained database that was forced by hand is left again when that has ended', async () => {
  const { clock, client, switches, publish } = await world();
  publish({ drain: ['east'] });
  await clock.advance(100);
  const forced = client.forceActiveDatabase('east', { durationMs: 1000 });
  await clock.advance(500);
  await forced;
  expect(client.activeDatabase).toBe('east');
  await clock.advance(6000);
  expect(client.activeDatabase).toBe('west');
  expect(switches.at(-1)).toMatchObject({ from: 'east', to: 'west', reason: 'steered' });
});

/** West is drained and serves as the last resort, because east is down. */
async function lastResort() {
  const made = await world();
  made.publish({ drain: ['west'] });
  made.east.crash();
  await made.clock.until(() => made.client.activeDatabase === 'west', 5000, 'the failover');
  expect(made.client.explain().active?.lastResort).toBe(true);
  return made;
}

it('a drained last resort that is forced by hand is not left before that has ended', async () => {
  const { clock, client, east, switches } = await lastResort();
  const forced = client.forceActiveDatabase('west', { durationMs: 20_000 });
  await clock.advance(1000);
  await forced;
  const { active } = client.explain();
  expect(active).toMatchObject({ lastResort: false, why: 'forced for another 19.0 s' });
  east.restart();
  await clock.advance(18_000);
  expect(client.activeDatabase).toBe('west');
  await clock.advance(7000);
  expect(client.activeDatabase).toBe('east');
  expect(switches.at(-1)).toMatchObject({ from: 'west', to: 'east', reason: 'steered' });
});

it('a drained last resort that is chosen by hand is kept until the next failback check', async () => {
  const { clock, client, east, switches } = await lastResort();
  const { nextCheckAt } = client.session.group.coordinator.failbackSchedule;
  const checkInMs = nextCheckAt - clock.now();
  expect(checkInMs).toBeGreaterThan(1500);
  const chosen = client.setActiveDatabase('west');
  east.restart();
  await clock.advance(checkInMs - 100);
  await chosen;
  expect(client.databases[0]?.health).toBe('healthy');
  expect(client.activeDatabase).toBe('west');
  await clock.advance(6000);
  expect(client.activeDatabase).toBe('east');
  expect(switches.at(-1)).toMatchObject({ from: 'west', to: 'east', reason: 'steered' });
});

it.each([false, true])(
  'a drained database that is forced by hand stays active at another address (unchecked: %s)',
  async (unchecked) => {
    const { clock, client, switches, publish } = await world();
    publish({ drain: ['west'] });
    const forced = client.forceActiveDatabase('west', { durationMs: 20_000, unchecked });
    await clock.advance(1000);
    await forced;
    const replaced = client.replaceDatabase('west', {
      database: new FakeDatabase({ id: 'west', clock }),
      weight: 0.1,
    });
    await clock.advance(1000);
    await replaced;
    expect(switches.at(-1)).toMatchObject({ from: 'west', to: 'west', reason: 'removed' });
    expect(client.explain().active?.forced).toMatchObject({ unchecked });
    await clock.advance(17_000);
    expect(client.activeDatabase).toBe('west');
    await clock.advance(8000);
    expect(client.activeDatabase).toBe('east');
  },
);

it('ends the watch with the client, and starts it again', async () => {
  const { clock, client, source, publish } = await world();
  publish({ prefer: 'west', spread: 86_400_000 });
  expect(source.watchers).toBe(1);
  const { context } = source;
  client.destroy();
  expect(source.watchers).toBe(0);
  context?.deliver('{');
  const again = client.connect();
  await clock.advance(3000);
  await again;
  expect(source.watchers).toBe(1);
});

it('fails back at its place in failbackRampMs', async () => {
  const { clock, client, east } = await world({ failbackRampMs: 100_000 });
  const place = client.explain().steering?.place ?? 0;
  east.crash();
  await clock.until(() => client.activeDatabase === 'west', 5000, 'the failover');
  east.heal();
  await clock.until(() => /failbackRampMs/.test(String(client.explain())), 20_000, 'the ramp');
  await clock.advance(place * 100_000 - 1000);
  expect(client.activeDatabase).toBe('west');
  await clock.until(() => client.activeDatabase === 'east', 5000, 'the failback');
});
