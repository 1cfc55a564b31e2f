import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { waitFor } from '../kit/index.js';
import { active, clientOf, connected, healthy, LONG_GRACE, servers } from './support.js';

/** What people read is the same however it is printed. */
function printed(client: ReturnType<typeof clientOf>): string {
  const explanation = client.explain();
  const text = explanation.toString();
  expect(`${explanation}`).toBe(text);
  expect(inspect(explanation)).toBe(text);
  return text;
}

it('before connect()', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west]);
  expect(client.explain()).toMatchObject({ state: 'closed', active: undefined, switches: [] });
  expect(client.explain().others.map(({ id }) => id)).toEqual(['east', 'west']);
  expect(printed(client)).toMatch(/^no active database \(closed\)\n {2}east: .*\n {2}west: /);
});

it('while it connects, and while it serves', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west]);
  const connecting = client.connect();
  expect(client.explain().state).toBe('connecting');
  expect(client.explain().others[0]?.lacks).toContain('health unknown');
  await connecting;
  await healthy(client);
  const explanation = client.explain();
  expect(explanation).toMatchObject({
    state: 'serving',
    active: { id: 'east', why: 'highest weight (1) of the eligible databases', lastResort: false },
    others: [{ id: 'west', lacks: [], details: ['eligible, but its weight (0.5) is not higher'] }],
    switches: [{ from: undefined, to: 'east', reason: 'initial' }],
  });
  expect(printed(client)).toMatch(/^active: east \(highest weight/);
  expect(printed(client)).toMatch(/none -> east: initial \(highest weight\)/);
});

it('after a failover, in the grace period and when it is over', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    gracePeriodMs: 500,
    failbackCheckIntervalMs: 3_600_000,
  });
  await east.kill();
  await active(client, 'west');
  const [left] = client.explain().others;
  expect(left?.lacks).toEqual(expect.arrayContaining(['unhealthy', 'grace period']));
  expect(left?.details.join()).toMatch(/unhealthy \(PING: .*ECONNREFUSED/);
  const [, failover] = client.explain().switches;
  expect(failover).toMatchObject({ from: 'east', to: 'west', reason: 'health-check' });
  expect(failover?.durationMs).toBeGreaterThan(0);
  expect(printed(client)).toMatch(/east -> west: health-check \(east: .*ms after the first sign\)/);

  await east.restart();
  await healthy(client, 'east');
  const asked = Date.now();
  const [waiting] = client.explain().others;
  if (waiting?.lacks.length === 1) {
    expect(waiting.lacks).toEqual(['grace period']);
    expect(waiting.possibleAt?.getTime()).toBeGreaterThanOrEqual(asked - 1);
  }
  await waitFor(() => client.explain().others[0]?.lacks.length === 0, { what: 'its end' });
  expect(client.explain().others[0]?.details[0]).toMatch(/eligible; the next failback check/);
  expect(client.explain().others[0]?.possibleAt).toBeInstanceOf(Date);
  expect(client.explain().active?.why).toMatch(/chosen: health-check; east is eligible/);
});

it('after a manual and a forced switch', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { failbackCheckIntervalMs: 3_600_000 });
  await client.setActiveDatabase('west');
  expect(client.explain().active?.why).toMatch(/chosen: manual; east is eligible/);
  await client.forceActiveDatabase('west', { durationMs: 60_000 });
  expect(printed(client)).toMatch(/^active: west \(forced for another [56]\d\.\d s\)/);
  expect(client.explain().others[0]?.possibleAt).toBeInstanceOf(Date);
});

it('while everything is down, and after close()', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], LONG_GRACE);
  await Promise.all([east.kill(), west.kill()]);
  await waitFor(() => client.explain().state === 'down', { what: 'down' });
  const explanation = client.explain();
  expect(explanation.active).toBeUndefined();
  for (const other of explanation.others) {
    expect(other.lacks).toContain('not connected');
    expect(other.possibleAt).toBeUndefined();
  }
  expect(printed(client)).toMatch(/^no active database \(down\)/);
  // East was left: its grace period goes on, but does not keep it from serving.
  const left = explanation.others.find(({ id }) => id === 'east');
  expect(left?.details.join('; ')).toMatch(
    /grace period ends in .*; serves as soon as it is healthy and connected/,
  );
  expect(printed(client)).toMatch(/-> none: health-check/);
  await client.close();
  expect(client.explain().state).toBe('closed');
});

it('remembers the last switches only', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { failbackCheckIntervalMs: 3_600_000 });
  for (let round = 0; round < 25; round += 1) client.setWeight('west', round % 2 ? 0.1 : 10);
  const { switches } = client.explain();
  expect(switches).toHaveLength(20);
  expect(switches.at(-1)?.generation).toBe(26);
});
