/** Findings about a Sentinel deployment from the reports of its Sentinels. Pure. */
import { connectFinding } from './causes.js';
import { at } from './cluster-rules.js';
import { type Finding, finding } from './report.js';
import type { Info } from './server-rules.js';
import type { Visit } from './visit.js';

/** Report of one Sentinel about the master. */
export interface SentinelView {
  /** `host:port`; undefined when it does not know the name. */
  readonly master: string | undefined;
  /** Names of the masters that it knows; only requested if it does not know the configured one. */
  readonly names: readonly string[];
  /** Flags of the master: `master`, possibly with `s_down`, `o_down`, ... */
  readonly flags: readonly string[];
  /** Why too few Sentinels could agree on a failover; undefined: enough can. */
  readonly noQuorum: string | undefined;
  /** All other Sentinels that it knows. */
  readonly others: number;
  /** `host:port` of each replica. */
  readonly replicas: readonly string[];
}

const several = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;
const one = <T>(each: T | undefined): T[] => (each === undefined ? [] : [each]);

/** Whether the master can be found, and would be replaced if it failed. */
export function sentinelFindings(name: string, visits: readonly Visit<SentinelView>[]): Finding[] {
  const views = visits.flatMap(({ seen }) => seen ?? []);
  const named = views.filter(({ master }) => master !== undefined);
  const unseen = visits.flatMap(({ address, error, seen }) => {
    if (seen === undefined) return [unreachable(address, error, named.length > 0)];
    if (seen.master !== undefined) return [];
    const known = seen.names.length === 0 ? 'it watches none' : `it knows ${seen.names.join(', ')}`;
    const text = `${address}: does not know a master "${name}"; ${known}`;
    return [finding(named.length > 0 ? 'warning' : 'problem', 'sentinel', text)];
  });
  if (named.length === 0) return unseen;
  const masters = [...new Set(named.map(({ master }) => master as string))];
  const summary = `${named.length} of ${several(visits.length, 'Sentinel')} know "${name}", its master is ${masters[0]}`;
  return [
    ...(masters.length === 1 ? [finding('ok', 'sentinel', summary)] : []),
    ...unseen,
    ...one(disagreement(visits, masters)),
    ...one(down(named)),
    ...one(quorum(visits)),
    ...one(count(visits, named)),
  ];
}

function unreachable(address: string, error: unknown, isSpared: boolean): Finding {
  const message = error instanceof Error ? error.message : '';
  if (/unknown command/i.test(message)) {
    const text = `${address} is not a Sentinel; list the Sentinels, not the servers that they monitor`;
    return finding('problem', 'topology', text);
  }
  const found = connectFinding(error);
  const text = `the Sentinel ${address}: ${found.text}`;
  // The other Sentinels answer in its place.
  return finding(isSpared ? 'warning' : 'problem', found.check, text);
}

function disagreement(
  visits: readonly Visit<SentinelView>[],
  masters: readonly string[],
): Finding | undefined {
  if (masters.length < 2) return undefined;
  const by = (master: string) =>
    visits.filter(({ seen }) => seen?.master === master).map(({ address }) => address);
  const text = masters.map((master) => `${master} (${by(master).join(', ')})`).join(', ');
  return finding('warning', 'sentinel', `the Sentinels report different masters: ${text}`);
}

function down(named: readonly SentinelView[]): Finding | undefined {
  const count = named.filter(({ flags }) => flags.some((flag) => flag.endsWith('_down'))).length;
  if (count === 0) return undefined;
  const who = count === named.length ? 'the Sentinels say' : `${count} of the Sentinels say`;
  return finding('warning', 'sentinel', `${who} that the master is down`);
}

function quorum(visits: readonly Visit<SentinelView>[]): Finding | undefined {
  const { address, seen } = visits.find((each) => each.seen?.noQuorum !== undefined) ?? {};
  if (seen?.noQuorum === undefined) return undefined;
  const text = `too few Sentinels can agree on a failover (${seen.noQuorum}; asked ${address}); a failed master is not replaced`;
  return finding('warning', 'quorum', text);
}

function count(
  visits: readonly Visit<SentinelView>[],
  named: readonly SentinelView[],
): Finding | undefined {
  const known = Math.max(...named.map(({ others }) => others + 1));
  if (known < 3) {
    const text = `${several(known, 'Sentinel')} in total; if one is lost, no majority is left for a failover. Use at least three`;
    return finding('warning', 'quorum', text);
  }
  if (visits.length > 1) return undefined;
  const text = `sentinelRootNodes has one of ${known} Sentinels; while it is down, a process cannot start`;
  return finding('warning', 'sentinel', text);
}

/** A server at the address that the Sentinels report. */
export interface VisitedServer {
  readonly visit: Visit<Info>;
}

/** A master that can't be reached is reported by the client's own connection. */
export function replicaFindings(replicas: readonly VisitedServer[]): Finding[] {
  if (replicas.length === 0) {
    const text = 'the master has no replica that could replace it';
    return [finding('warning', 'replicas', text)];
  }
  const bad = replicas.flatMap(({ visit: { address, seen, error } }) => {
    if (seen === undefined) {
      const found = connectFinding(error);
      const text = `the replica ${address}, as reported by the Sentinels: ${found.text}`;
      return [finding('warning', found.check, text)];
    }
    if (seen.get('master_link_status') !== 'down') return [];
    return [at(address, finding('warning', 'role', 'a replica whose link to its master is down'))];
  });
  const well = replicas.length - bad.length;
  return [
    ...(well > 0 ? [finding('ok', 'replicas', `${well} of ${replicas.length} are healthy`)] : []),
    ...bad,
  ];
}
