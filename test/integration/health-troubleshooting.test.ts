/**
 * The troubleshooting cases of docs/health-checks.md: each line that the page says explain() shows
 * is shown, and the option that the page names is the cure. Times, addresses
 * and what the page leaves out by dots may differ.
 */
import { readFileSync } from 'node:fs';
import { WriteReadStrategy } from 'redis-multidb';
import { afterAll, expect, it } from 'vitest';
import { freePort, only, startProxy, startRedis, waitFor } from '../kit/index.js';
import { active, clientOf, databases, healthy, QUICK, servers } from './support.js';

const PAGE = readFileSync('docs/health-checks.md', 'utf8');
const LINES = [...PAGE.matchAll(/^```text\n([\s\S]*?)^```/gm)]
  .flatMap(([, block]) => String(block).trim().split('\n'))
  .map((line) => line.trim());
const shown = new Set<string>();

type Client = ReturnType<typeof clientOf>;

/** The one line of the page with `part` is what explain() shows. */
async function shows(client: Client, part: string): Promise<void> {
  const lines = LINES.filter((line) => line.includes(part));
  expect(lines, `lines of docs/health-checks.md with "${part}"`).toHaveLength(1);
  const line = lines[0] as string;
  shown.add(line);
  const pattern = line
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\\\.\\\.\\\./g, '.*')
    .replace(/^\d{4}-\S+Z/, '\\S+Z')
    .replace(/redis-(east|west)\\\.example\\\.com:14000/g, '[\\w.]+:\\d+')
    .replace(/\d+(\\\.\d+)?(?= m?s)/g, '\\d+(\\.\\d+)?')
    .replace(/10\\\.0\\\.0\\\.2:14000/g, '127\\.0\\.0\\.1:\\d+');
  const isShown = () => new RegExp(`^\\s*${pattern}$`, 'm').test(client.explain().toString());
  await waitFor(isShown, { what: 'explain() to show it', timeoutMs: 10_000 }).catch(() => {
    expect(client.explain().toString()).toContain(line);
  });
}

afterAll(() => {
  expect(LINES.filter((line) => !shown.has(line))).toEqual([]);
});

/** East is healthy; `west` has the given options, and QUICK timing with `more`. */
async function withWest(west: { url: string } | object, more: object = {}, options = {}) {
  const [east] = await servers(1);
  const [first] = databases([east]);
  const client = clientOf([], {
    databases: [
      first!,
      { id: 'west', weight: 0.5, client: west, healthCheck: { ...QUICK.healthCheck, ...more } },
    ],
    ...options,
  });
  await client.connect();
  await active(client, 'east');
  return client;
}

it('always unhealthy: slower than the timeout', async () => {
  const [west] = await servers(1);
  const proxy = await startProxy(west);
  proxy.delay({ toClientMs: 100 });
  const client = await withWest({ url: proxy.url }, { timeoutMs: 50 });
  await shows(client, 'west: unhealthy (PING: no answer within');
  // Two round trips the first time: a connection is made within the same timeout.
  await healthy(await withWest({ url: proxy.url }, { timeoutMs: 2000 }), 'west');
});

it('always unhealthy: nothing answers at all', async () => {
  const [west] = await servers(1);
  const proxy = await startProxy(west);
  proxy.blackhole();
  const client = await withWest({ url: proxy.url });
  await shows(
    client,
    'west: no data connection to redis-west.example.com:14000; unhealthy (PING: no',
  );
  await proxy.restore();
  await healthy(client, 'west');
});

it('always unhealthy: refused', async () => {
  const client = await withWest({ url: `redis://127.0.0.1:${await freePort()}` });
  await shows(client, 'ECONNREFUSED');
});

it('always unhealthy: wrong password', async () => {
  const west = await startRedis({ password: 'right' });
  const url = `redis://127.0.0.1:${west.port}`;
  await shows(await withWest({ url, password: 'wrong' }), 'WRONGPASS');
  await shows(await withWest({ url }), 'NOAUTH');
  await healthy(await withWest({ url, password: 'right' }), 'west');
});

it('always unhealthy: a user who may not run what the strategy sends', async () => {
  const [west] = await servers(1);
  await west.command('ACL', 'SETUSER', 'app', 'on', '>secret', '~app:*', '&*', '+@all', '-ping');
  const url = `redis://app:secret@127.0.0.1:${west.port}`;
  const client = await withWest({ url });
  await shows(client, 'PING: NOPERM');
  const keys = await withWest({ url }, { strategy: new WriteReadStrategy() });
  await shows(keys, 'WRITE-READ: NOPERM');
  const allowed = new WriteReadStrategy({ keyPrefix: 'app:health:' });
  await healthy(await withWest({ url }, { strategy: allowed }), 'west');
  await west.command('ACL', 'SETUSER', 'app', '+ping');
  await healthy(client, 'west');
});

it('intermittent: one lost probe of a round', async () => {
  const [west] = await servers(1);
  const proxy = await startProxy(west);
  let pings = 0;
  const third = () => {
    pings += 1;
    return pings % 3 === 0 ? '-BUSY Redis is busy running a script.' : undefined;
  };
  proxy.answerWith(third, only('PING'));
  const client = await withWest({ url: proxy.url });
  await healthy(client, 'west');
  await shows(client, 'PING: BUSY');
  await client.close();

  pings = 0;
  const tolerant = await withWest({ url: proxy.url }, { policy: 'MAJORITY_SUCCESS' });
  await healthy(tolerant, 'west');
  let unhealthy = 0;
  tolerant.on('database-unhealthy', () => {
    unhealthy += 1;
  });
  await waitFor(() => pings > 30, { what: 'many rounds' });
  expect(unhealthy).toBe(0);
});

it('intermittent: failovers that follow each other', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west], { gracePeriodMs: 50, failbackCheckIntervalMs: 20 });
  await client.connect();
  await healthy(client);
  await east.freeze();
  const traffic = client.get('key');
  await active(client, 'west');
  await traffic;
  await east.thaw();
  await active(client, 'east');
  await shows(client, 'east -> west: health-check');
  await shows(client, 'west -> east: failback');
});

it('slow failback', async () => {
  const [east, west] = await servers();
  const [first, second] = databases([east, west]);
  const make = async (options: object) => {
    await east.restart();
    const client = clientOf([], { databases: [first!, second!], ...options });
    await client.connect();
    await active(client, 'east');
    await healthy(client);
    await east.kill();
    await active(client, 'west');
    await east.restart();
    await healthy(client, 'east');
    return client;
  };
  await shows(await make({ gracePeriodMs: 60_000 }), 'east: grace period ends in');
  await shows(
    await make({ gracePeriodMs: 0, failbackCheckIntervalMs: 120_000 }),
    'east: eligible; the next failback check is in',
  );
  await shows(
    await make({ gracePeriodMs: 0, failbackSupported: false }),
    'east: eligible; automatic failback is off',
  );
  let inSync = false;
  const gate = {
    name: 'REPLICATION',
    role: 'gate',
    check: () => {
      if (!inSync) throw new Error('no canary arrived west -> east; waited 400 ms');
      return true;
    },
  } as const;
  const healthCheck = [QUICK.healthCheck, { ...QUICK.healthCheck, strategy: gate }];
  const gated = [{ ...first!, healthCheck }, second!];
  inSync = true;
  const client = await make({ gracePeriodMs: 0, databases: gated }).catch(() => undefined);
  expect(client, 'a gate that is open is no reason to wait').toBeDefined();
  await active(client as Client, 'east');
  inSync = false;
  await east.kill();
  await active(client as Client, 'west');
  await east.restart();
  await shows(client as Client, 'east: gate closed (REPLICATION');
  inSync = true;
  await active(client as Client, 'east');

  const forced = await make({ gracePeriodMs: 0 });
  await active(forced, 'east');
  await forced.forceActiveDatabase('west');
  await shows(forced, 'active: west (forced until');
});

it('no failback among equals', async () => {
  const [east, west] = await servers();
  const equal = databases([east, west]).map((each) => ({ ...each, weight: 1 }));
  const client = clientOf([], { databases: equal, gracePeriodMs: 0 });
  await client.connect();
  await healthy(client);
  await east.kill();
  await active(client, 'west');
  await east.restart();
  await shows(client, 'east: eligible, but its weight (');
});

it('never unhealthy: not checked', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west], { healthCheck: false });
  await client.connect();
  await active(client, 'east');
  await shows(
    client,
    'active: east (highest weight (1) of the eligible databases; health is not checked)',
  );
});
