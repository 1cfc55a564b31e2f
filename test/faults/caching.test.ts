/**
 * Seeded faults against client-side caching: writers that the client knows nothing of, readers
 * through the client, and at random times resets, delays, partitions, CLIENT KILL and switches.
 *
 * Every value names its database and its version there. What the judge knows for certain:
 *
 * - a read that started and ended without a switch between is of the database that was active;
 * - a read that started after another one ended never answers an older version of that database;
 * - nor one older than what was acknowledged to the writer before the client sent a PING that was
 *   answered: the server tells of changes in order with its replies;
 * - after its own write was acknowledged, a caller reads that value as long as there is no switch.
 */
import { BasicClientSideCache } from '@redis/client';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/testing/random.js';
import { connected, QUICK, servers } from '../integration/support.js';
import { RawConnection, sleep, startProxy, waitFor } from '../kit/index.js';

const KEYS = ['a', 'b', 'c', 'd'];
const SEEDS = process.env.CACHING_SEEDS?.split(',').map(Number) ?? [1, 2, 3];
const DURATION_MS = 4000;

type Versions = Map<string, number>;

class Judge {
  readonly issued: Versions = new Map();
  readonly acknowledged: Versions = new Map();
  /** No read that starts now may be older. */
  readonly floor: Versions = new Map();
  readonly violations: string[] = [];
  reads = 0;
  hits = 0;
  switches = 0;

  raise(versions: Versions): void {
    for (const [of, version] of versions) {
      if (version > (this.floor.get(of) ?? 0)) this.floor.set(of, version);
    }
  }

  /** Call before a read; what it answers is to be called with the reply. */
  reading(key: string, active: () => string | undefined): (reply: string | null) => void {
    const { switches } = this;
    const from = active();
    const floor = new Map(this.floor);
    return (reply) => {
      this.reads += 1;
      const [id = '', text] = String(reply).split(':');
      const version = Number(text);
      const of = `${id}/${key}`;
      const stayed = switches === this.switches && from !== undefined;
      if (stayed && id !== from)
        this.violations.push(`${reply} of ${key} while ${from} was active`);
      if (version < (floor.get(of) ?? 0)) {
        this.violations.push(`${reply} of ${key}, older than ${floor.get(of)}`);
      }
      if (!(version <= (this.issued.get(of) ?? 0))) this.violations.push(`${reply} never written`);
      if (stayed) this.raise(new Map([[of, version]]));
    };
  }
}

async function disturbed(seed: number) {
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const judge = new Judge();
  const targets = await servers();
  const proxies = await Promise.all(targets.map((server) => startProxy(server)));
  const ids = ['east', 'west'];
  for (const [index, server] of targets.entries()) {
    for (const key of KEYS) await server.command('SET', key, `${ids[index]}:0`);
  }
  const cache = new BasicClientSideCache();
  const client = await connected(proxies, {
    ...QUICK,
    commandTimeoutMs: 300,
    commandDeadlineMs: 1000,
    client: { RESP: 3, clientSideCache: cache },
  });
  const active = () => client.activeDatabase;
  client.on('switch', () => {
    judge.switches += 1;
  });
  let stopped = false;
  const going = (body: () => Promise<void>) =>
    (async () => {
      while (!stopped) await body();
    })();

  const writers = await Promise.all(targets.map((server) => RawConnection.open(server)));
  const write = async (index: number) => {
    const key = pick(KEYS);
    const of = `${ids[index]}/${key}`;
    const version = (judge.issued.get(of) ?? 0) + 1;
    judge.issued.set(of, version);
    await writers[index]?.request('SET', key, `${ids[index]}:${version}`);
    judge.acknowledged.set(of, version);
    await sleep(random() * 12);
  };
  const read = async () => {
    const key = pick(KEYS);
    const judged = judge.reading(key, active);
    try {
      judged(await client.get(key));
    } catch {
      await sleep(5);
    }
    // Hits take no time at all: now and then the loop has to turn.
    if (random() < 0.3) await sleep(random() * 4);
  };
  const readMany = async () => {
    const judged = KEYS.map((key) => judge.reading(key, active));
    try {
      const replies = await client.mGet(KEYS);
      for (const [index, reply] of replies.entries()) judged[index]?.(reply);
    } catch {}
    await sleep(random() * 8);
  };
  const prove = async () => {
    const before = new Map(judge.acknowledged);
    await client.ping().then(
      () => judge.raise(before),
      () => {},
    );
    await sleep(random() * 10);
  };
  let owned = 0;
  const readOwn = async () => {
    owned += 1;
    const key = `own:${owned}`;
    await client.get(key).catch(() => {});
    const { switches } = judge;
    const written = await client.set(key, 'mine').catch(() => undefined);
    const reply = await client.get(key).catch(() => undefined);
    if (written === 'OK' && reply === null && switches === judge.switches) {
      judge.violations.push(`${key} reads null after its own write`);
    }
    await sleep(random() * 5);
  };
  const faults: (() => unknown)[] = [
    () => pick(proxies).reset(),
    () => pick(proxies).end(),
    () => pick(writers).request('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
    () => pick(proxies).delay({ toClientMs: random() * 30 }),
    () => pick(proxies).delay({ toServerMs: random() * 30, toClientMs: random() * 10 }),
    () => pick(proxies).silence(),
    () => pick(proxies).refuse(),
    () => client.forceActiveDatabase(pick(ids), { durationMs: 200 }).catch(() => {}),
    () => client.forceActiveDatabase(pick(ids), { durationMs: 200 }).catch(() => {}),
    () => {
      judge.hits += cache.stats().hitCount;
      cache.clear();
    },
  ];
  const disturb = async () => {
    await pick(faults)();
    await sleep(random() * 150);
    for (const proxy of proxies) await proxy.restore();
    await sleep(random() * 100);
  };

  const all = [
    ...[0, 1].map((index) => going(() => write(index))),
    ...Array.from({ length: 8 }, () => going(read)),
    going(readMany),
    going(prove),
    going(readOwn),
    going(disturb),
  ];
  await sleep(DURATION_MS);
  // On a slow machine it takes longer until enough has happened.
  await waitFor(() => judge.reads > 1000 && judge.switches > 2, {
    what: 'reads and switches',
    timeoutMs: 30_000,
  });
  stopped = true;
  await Promise.all(all);
  for (const writer of writers) writer.close();
  judge.hits += cache.stats().hitCount;
  return judge;
}

describe('client-side caching under faults', () => {
  it.each(SEEDS)('is never stale, seed %i', async (seed) => {
    const { violations, hits } = await disturbed(seed);
    expect(violations.slice(0, 10)).toEqual([]);
    expect(hits).toBeGreaterThan(0);
  });
});
