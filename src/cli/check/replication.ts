/**
 * Checks whether writes to one database are replicated to the others, with a separate key that
 * expires.
 */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../clock.js';
import { duration } from '../../drill/report/format.js';
import { ask } from '../../drill/wire/direct.js';
import type { ProbeConnection } from '../../drivers/driver.js';
import { sleep } from '../../test-bed/wire/wait.js';
import { type Finding, finding, type ReplicationReport } from './report.js';

const LOOK_EVERY_MS = 10;
const EXPIRY_MS = 60_000;

export const CHECK_PREFIX = 'redis-multidb-check:';

export interface Place {
  readonly id: string;
  readonly probe: ProbeConnection;
}

/** The written key, or the reason why the write was refused. */
type Written = { readonly at: number; readonly key: string } | { readonly refused: string };

export interface ReplicationResult {
  readonly pairs: readonly ReplicationReport[];
  readonly findings: readonly Finding[];
}

/** Writes one key per database and looks for it on all others. Never rejects; cleans up. */
export async function checkReplication(
  places: readonly Place[],
  timeoutMs: number,
  keyPrefix = CHECK_PREFIX,
): Promise<ReplicationResult> {
  const run = `${keyPrefix}${randomBytes(8).toString('hex')}`;
  const written = new Map<string, Written>();
  await Promise.all(
    places.map(async ({ id, probe }, index) => {
      written.set(id, await write(probe, `${run}:${index}`, timeoutMs));
    }),
  );
  const pairs = places.flatMap((from) =>
    places.filter((to) => to !== from).map((to) => [from, to] as const),
  );
  const reports = await Promise.all(
    pairs.map(async ([from, to]): Promise<ReplicationReport> => {
      const source = written.get(from.id) as Written;
      const afterMs = 'refused' in source ? null : await arrival(to.probe, source, timeoutMs);
      return { from: from.id, to: to.id, afterMs };
    }),
  );
  await Promise.all(
    places.map(({ probe }, index) =>
      ask(probe, ['DEL', `${run}:${index}`], timeoutMs).catch(() => {}),
    ),
  );
  return { pairs: reports, findings: findings(reports, written, timeoutMs) };
}

async function write(probe: ProbeConnection, key: string, timeoutMs: number): Promise<Written> {
  try {
    const expiry = String(Math.max(EXPIRY_MS, 2 * timeoutMs));
    await ask(probe, ['SET', key, key, 'PX', expiry], timeoutMs);
    return { at: systemClock.now(), key };
  } catch (error) {
    return { refused: (error as Error).message };
  }
}

/** Milliseconds from the write until it was seen; null if it was not seen in time. */
async function arrival(
  probe: ProbeConnection,
  { at, key }: { readonly at: number; readonly key: string },
  timeoutMs: number,
): Promise<number | null> {
  while (systemClock.now() - at < timeoutMs) {
    const value = await ask(probe, ['GET', key], timeoutMs).catch(() => undefined);
    if (value === undefined) return null;
    if (value !== null && String(value) === key)
      return Math.round((systemClock.now() - at) * 10) / 10;
    await sleep(LOOK_EVERY_MS);
  }
  return null;
}

function findings(
  pairs: readonly ReplicationReport[],
  written: ReadonlyMap<string, Written>,
  timeoutMs: number,
): Finding[] {
  return [...new Set(pairs.map(({ from }) => from))].flatMap((from) => {
    const source = written.get(from) as Written;
    const ways = pairs.filter((pair) => pair.from === from);
    const arrived = ways.flatMap(({ to, afterMs }) =>
      afterMs === null
        ? []
        : [
            finding(
              'ok',
              'replication',
              `${from} → ${to}: a write arrives within ${duration(afterMs)}`,
            ),
          ],
    );
    // One line for all unreached databases, or four databases would fill the screen.
    const missing = ways.filter(({ afterMs }) => afterMs === null).map(({ to }) => to);
    if (missing.length === 0) return arrived;
    const way = `${from} → ${missing.join(', ')}`;
    if ('refused' in source) {
      const text = `${way}: ${from} does not accept writes (${source.refused})`;
      return [finding('skipped', 'replication', text)];
    }
    const lacks = missing.length === 1 ? `${missing[0]} lacks the write` : 'they lack the write';
    const text = `${way}: a write does not arrive within ${duration(timeoutMs)}: after a failover ${lacks}`;
    return [...arrived, finding('warning', 'replication', text)];
  });
}
