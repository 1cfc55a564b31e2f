/** Findings about a server from its INFO, certificate and clock. Pure. */
import { duration } from '../../drill/report/format.js';
import { type Finding, finding } from './report.js';

/** The fields of INFO by name; empty if INFO was refused. */
export type Info = ReadonlyMap<string, string>;

export function parseInfo(text: string): Info {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(':') && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
}

const FULL_SHARE = 0.9;
const OLDEST_TESTED = [6, 2] as const;

/** Findings about a server. `topology` is that of the configuration. */
export function serverFindings(info: Info, topology: string): Finding[] {
  if (info.size === 0) return [];
  return [version(info), mode(info, topology), role(info), ...nodeFindings(info)].filter(
    (each) => each !== undefined,
  );
}

/** Findings that apply to every server, regardless of its role in a deployment. */
export function nodeFindings(info: Info): Finding[] {
  return [loading(info), memory(info), persistence(info), clients(info)].filter(
    (each) => each !== undefined,
  );
}

export function versionOf(info: Info): string | undefined {
  return info.get('valkey_version') ?? info.get('redis_version');
}

/** Whether a client may open more connections than the server accepts in total. */
export function poolFinding(info: Info, maximum: number): Finding | undefined {
  const limit = Number(info.get('maxclients') ?? 0);
  if (limit === 0 || maximum < limit) return undefined;
  return finding(
    'warning',
    'clients',
    `one client may open ${maximum} connections (pool.maximum), and the server accepts ${limit} in total (maxclients)`,
  );
}

function version(info: Info): Finding | undefined {
  const text = versionOf(info);
  if (text === undefined) return undefined;
  const name = info.has('valkey_version') ? 'Valkey' : 'Redis';
  const [major = 0, minor = 0] = text.split('.').map(Number);
  const isOld =
    major < OLDEST_TESTED[0] || (major === OLDEST_TESTED[0] && minor < OLDEST_TESTED[1]);
  if (isOld && name === 'Redis')
    return finding(
      'note',
      'server',
      `${name} ${text} is older than the tested versions (${OLDEST_TESTED.join('.')})`,
    );
  return finding(
    'ok',
    'server',
    `${name} ${text}, ${info.get('redis_mode') ?? 'standalone'}, ${info.get('role') ?? 'role unknown'}`,
  );
}

function mode(info: Info, topology: string): Finding | undefined {
  const found = info.get('redis_mode');
  if (found === 'sentinel' && topology !== 'sentinel') {
    return finding(
      'problem',
      'topology',
      "this is a Sentinel, not a database; set topology: 'sentinel'",
    );
  }
  if (found === 'cluster' && topology !== 'cluster') {
    return finding(
      'problem',
      'topology',
      "this is a node of a Redis Cluster; set topology: 'cluster'",
    );
  }
  if (found === 'standalone' && topology === 'cluster') {
    return finding(
      'problem',
      'topology',
      "this server runs without cluster mode; do not set topology: 'cluster'",
    );
  }
  return undefined;
}

function role(info: Info): Finding | undefined {
  if (info.get('role') !== 'slave') return undefined;
  if (info.get('master_link_status') === 'down') {
    return finding('warning', 'role', 'a replica whose link to its master is down');
  }
  if (info.get('slave_read_only') === '0')
    return finding('note', 'role', 'a replica that accepts writes');
  return finding(
    'warning',
    'role',
    'a read-only replica: after a failover to it every write fails',
  );
}

function loading(info: Info): Finding | undefined {
  return info.get('loading') === '1'
    ? finding('problem', 'loading', 'the server is still loading its data')
    : undefined;
}

function memory(info: Info): Finding | undefined {
  const [used, limit] = ['used_memory', 'maxmemory'].map((name) => Number(info.get(name) ?? 0)) as [
    number,
    number,
  ];
  if (limit === 0 || used / limit < FULL_SHARE) return undefined;
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  const share = `${Math.round((used / limit) * 100)} % of maxmemory is used, with ${policy}`;
  return policy === 'noeviction'
    ? finding('warning', 'memory', `${share}: writes will soon fail with OOM`)
    : finding('note', 'memory', share);
}

function persistence(info: Info): Finding | undefined {
  const failed = ['rdb_last_bgsave_status', 'aof_last_write_status'].find(
    (name) => info.get(name) === 'err',
  );
  if (failed === undefined) return undefined;
  return finding(
    'warning',
    'persistence',
    `${failed} is err: the server may refuse writes (MISCONF)`,
  );
}

function clients(info: Info): Finding | undefined {
  const [connected, limit] = ['connected_clients', 'maxclients'].map((name) =>
    Number(info.get(name) ?? 0),
  ) as [number, number];
  if (limit === 0 || connected / limit < FULL_SHARE) return undefined;
  return finding(
    'warning',
    'clients',
    `${connected} of ${limit} connections (maxclients) are in use`,
  );
}

const SOON_DAYS = 14;

export function certificateFinding(daysLeft: number, protocol: string): Finding {
  const days = Math.floor(daysLeft);
  if (daysLeft < 0)
    return finding(
      'problem',
      'certificate',
      `the certificate expired ${-Math.ceil(daysLeft)} days ago`,
    );
  const text = `${protocol}, certificate valid for ${days} more ${days === 1 ? 'day' : 'days'}`;
  return finding(days < SOON_DAYS ? 'warning' : 'ok', 'tls', text);
}

/** A server's clock: it is ahead of this machine's by `offsetMs`, plus or minus `uncertaintyMs`. */
export interface ClockReading {
  readonly id: string;
  readonly offsetMs: number;
  readonly uncertaintyMs: number;
}

const SKEW_WARNING_MS = 1000;

/** Expiry times and last-write-wins merges compare clocks. */
export function clockFinding(readings: readonly ClockReading[]): Finding | undefined {
  if (readings.length < 2) return undefined;
  const sorted = [...readings].sort((a, b) => a.offsetMs - b.offsetMs);
  const first = sorted[0] as ClockReading;
  const last = sorted.at(-1) as ClockReading;
  const apart = last.offsetMs - first.offsetMs;
  const uncertain = last.uncertaintyMs + first.uncertaintyMs;
  if (apart - uncertain > SKEW_WARNING_MS) {
    return finding(
      'warning',
      'clocks',
      `the clock of ${last.id} is ${duration(apart)} ahead of that of ${first.id}: keys expire at different times`,
    );
  }
  const text =
    apart <= uncertain
      ? `no difference above ${duration(Math.max(1, uncertain))}`
      : `at most ${duration(apart)} apart`;
  return finding('ok', 'clocks', text);
}

export interface LatencyReading {
  readonly id: string;
  readonly weight: number;
  readonly latencyMs: number;
}

/** The preferred database is usually the nearest. */
export function latencyFinding(readings: readonly LatencyReading[]): Finding | undefined {
  const preferred = [...readings].sort((a, b) => b.weight - a.weight)[0];
  const nearest = [...readings].sort((a, b) => a.latencyMs - b.latencyMs)[0];
  if (preferred === undefined || nearest === undefined || preferred === nearest) return undefined;
  if (preferred.latencyMs < 5 || preferred.latencyMs < 3 * nearest.latencyMs) return undefined;
  return finding(
    'note',
    'latency',
    `${nearest.id} is nearer (${duration(nearest.latencyMs)}) than ${preferred.id} (${duration(preferred.latencyMs)}), which has the higher weight`,
  );
}

/** Finds databases that lead to the same server, by the run ids (run_id) of the servers of each. */
export function sameServerFindings(runIds: ReadonlyMap<string, readonly string[]>): Finding[] {
  const byRun = new Map<string, string[]>();
  for (const [id, runs] of runIds) {
    for (const run of new Set(runs)) byRun.set(run, [...(byRun.get(run) ?? []), id]);
  }
  // Two entries of one cluster share all of its nodes.
  const shared = new Set(
    [...byRun.values()].filter((ids) => ids.length > 1).map((ids) => ids.join(' and ')),
  );
  return [...shared].map((ids) => finding('problem', 'same-server', `${ids} are the same server`));
}
