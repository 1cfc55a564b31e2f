/** The checks of `check`, in order. */
import type { Target } from '../target.js';
import { type Inspected, inspect } from './inspect.js';
import { optionFindings } from './option-rules.js';
import { checkReplication, type Place, type ReplicationResult } from './replication.js';
import { type CheckReport, counted, type Finding, finding } from './report.js';
import { clockFinding, latencyFinding, sameServerFindings } from './server-rules.js';

export interface CheckSettings {
  /** Timeout in milliseconds for a connection, a reply, and a write to be replicated. */
  readonly timeoutMs: number;
  /** Whether warnings count as problems. */
  readonly strict: boolean;
  /** Whether a test key may be written, or the reason why not. */
  readonly write: true | string;
  readonly onProgress?: (text: string) => void;
}

/** Runs all checks. Never rejects, and leaves no connection and no key behind. */
export async function check(target: Target, settings: CheckSettings): Promise<CheckReport> {
  const { timeoutMs, strict, onProgress = () => {} } = settings;
  onProgress('checking the databases');
  const inspected = await Promise.all(
    target.resolved.databases.map((database) => inspect(database, timeoutMs)),
  );
  try {
    const places = inspected.flatMap(({ database, probe }): Place[] =>
      probe ? [{ id: database.id, probe }] : [],
    );
    const between = betweenThem(inspected);
    const isOne = between.some((each) => each.check === 'same-server');
    const replication = await replicated(places, settings, isOne);
    const options = optionFindings(target.resolved);
    const databases = inspected.map(({ report }) => report);
    const all = [
      ...databases.flatMap(({ findings }) => findings),
      ...between,
      ...replication.findings,
      ...options,
    ];
    const counts = counted(all);
    return {
      report: 'check',
      target: target.name,
      counts,
      ok: counts.problem === 0 && !(strict && counts.warning > 0),
      databases,
      replication: replication.pairs,
      between: [...between, ...replication.findings],
      options,
    };
  } finally {
    for (const { probe } of inspected) probe?.destroy();
  }
}

function betweenThem(inspected: readonly Inspected[]): Finding[] {
  const clocks = inspected.flatMap(({ clock }) => clock ?? []);
  const latencies = inspected.flatMap(({ report: { id, weight, latencyMs } }) =>
    latencyMs === null ? [] : [{ id, weight, latencyMs }],
  );
  const runIds = new Map(inspected.map(({ database, runIds }) => [database.id, runIds]));
  return [...sameServerFindings(runIds), clockFinding(clocks), latencyFinding(latencies)].filter(
    (each) => each !== undefined,
  );
}

async function replicated(
  places: readonly Place[],
  { timeoutMs, write, onProgress = () => {} }: CheckSettings,
  isOneServer: boolean,
): Promise<ReplicationResult> {
  if (places.length < 2 || isOneServer) return { pairs: [], findings: [] };
  if (write !== true) {
    return { pairs: [], findings: [finding('skipped', 'replication', write)] };
  }
  onProgress('checking replication');
  return checkReplication(places, timeoutMs);
}
