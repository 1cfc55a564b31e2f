/** Findings about a Redis Cluster from the reports of its nodes. Pure. */
import { connectFinding } from './causes.js';
import { type Finding, finding } from './report.js';
import { certificateFinding, type Info, nodeFindings, versionOf } from './server-rules.js';
import type { Visit } from './visit.js';

const SLOTS = 16_384;

export interface NodeAddress {
  readonly id: string;
  readonly host: string;
  readonly port: number;
}

/** One entry of CLUSTER SLOTS. */
export interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly master: NodeAddress;
  readonly replicas: readonly NodeAddress[];
}

/** How one node sees its cluster. */
export interface ClusterView {
  /** `ok`, `fail`, or empty if the node could not be asked. */
  readonly state: string;
  readonly ranges: readonly SlotRange[];
  /** Nodes that it considers failed: addresses as in CLUSTER NODES. */
  readonly failed: readonly string[];
}

export interface NodeReading {
  readonly info: Info;
  /** Undefined without TLS. */
  readonly certificate: { readonly daysLeft: number; readonly protocol: string } | undefined;
  readonly latencyMs: number;
}

export interface VisitedNode {
  readonly role: 'master' | 'replica';
  readonly visit: Visit<NodeReading>;
}

/** Whether the cluster can be found from here: each of `rootNodes`. */
export function seedFindings(seeds: readonly Visit<ClusterView>[]): Finding[] {
  const views = seeds.flatMap(({ seen }) => seen ?? []);
  const unseen = seeds.flatMap(({ address, error, seen }) => {
    if (seen !== undefined) return [];
    const found = modeFinding(address, error) ?? at(address, connectFinding(error));
    // The other root nodes lead to the cluster as well; without any of them it can't be found.
    const isSpared = views.length > 0 && found.check === 'reachable';
    const level = isSpared ? ('warning' as const) : found.level;
    const rest = isSpared ? '; the cluster is found through the other rootNodes' : '';
    return [{ ...found, level, text: `${found.text}${rest}` }];
  });
  const single =
    seeds.length === 1 && views.length === 1 && mastersOf(views[0] as ClusterView).length > 1
      ? [
          finding(
            'warning',
            'seeds',
            'rootNodes has only one node; while it is down, a process cannot start',
          ),
        ]
      : [];
  return [...unseen, ...single, ...strangers(seeds)];
}

function modeFinding(address: string, error: unknown): Finding | undefined {
  const message = error instanceof Error ? error.message : '';
  if (/cluster support disabled/i.test(message)) {
    const text = `${address} runs without cluster mode; do not set topology: 'cluster'`;
    return finding('problem', 'topology', text);
  }
  if (/unknown command/i.test(message)) {
    return finding(
      'problem',
      'topology',
      `${address} is not a node of a Redis Cluster: ${message}`,
    );
  }
  return undefined;
}

/** Root nodes that belong to different clusters, so that the client could connect to either. */
function strangers(seeds: readonly Visit<ClusterView>[]): Finding[] {
  const [first, ...others] = seeds.filter(
    ({ seen }) => seen !== undefined && seen.ranges.length > 0,
  );
  if (first?.seen === undefined) return [];
  const known = new Set(nodesOf(first.seen).map(({ id }) => id));
  return others
    .filter(({ seen }) => seen !== undefined && !nodesOf(seen).some(({ id }) => known.has(id)))
    .map(({ address }) =>
      finding('problem', 'seeds', `${address} and ${first.address} belong to different clusters`),
    );
}

/** Whether every slot is served, according to each seed. */
export function slotFindings(seeds: readonly Visit<ClusterView>[]): Finding[] {
  const findings = new Map<string, Finding>();
  for (const { address, seen } of seeds) {
    if (seen === undefined) continue;
    const missing = missingSlots(seen.ranges);
    const asked = `asked ${address}`;
    if (missing.count > 0) {
      const which = missing.count === SLOTS ? 'no slot' : `${slots(missing.count)} not`;
      const ranges = missing.count === SLOTS ? '' : ` (${missing.ranges})`;
      const text = `${which} served by any node${ranges}`;
      add(findings, text, finding('problem', 'slots', `${text}; ${asked}`));
    } else if (seen.state !== '' && seen.state !== 'ok') {
      const text = `the cluster is down (cluster_state:${seen.state})`;
      add(findings, text, finding('problem', 'slots', `${text}; ${asked}`));
    }
    for (const failed of seen.failed) {
      const text = `${failed} has failed according to the other nodes`;
      add(findings, text, finding('warning', 'node', text));
    }
  }
  return [...findings.values()];
}

function add(findings: Map<string, Finding>, key: string, found: Finding): void {
  if (!findings.has(key)) findings.set(key, found);
}

const slots = (count: number) => (count === 1 ? '1 slot is' : `${count} slots are`);

/** `0-99, 200`; more than a few are cut short. */
export function missingSlots(ranges: readonly SlotRange[]): { count: number; ranges: string } {
  const sorted = [...ranges].sort((a, b) => a.from - b.from);
  const gaps: [number, number][] = [];
  let next = 0;
  for (const { from, to } of [...sorted, { from: SLOTS, to: SLOTS }]) {
    if (from > next) gaps.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  const shown = gaps.slice(0, 5).map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
  return {
    count: gaps.reduce((sum, [from, to]) => sum + to - from + 1, 0),
    ranges: [...shown, ...(gaps.length > shown.length ? ['...'] : [])].join(', '),
  };
}

/** Whether each node can be reached at its reported address and is healthy. */
export function clusterNodeFindings(nodes: readonly VisitedNode[]): Finding[] {
  const findings = nodes.flatMap(({ role, visit: { address, seen, error } }) => {
    if (seen === undefined) {
      const found = connectFinding(error);
      const level = role === 'master' ? found.level : ('warning' as const);
      const text = `the ${role} ${address}, as reported by the cluster: ${found.text}${hint(found)}`;
      return [finding(level, found.check, text)];
    }
    const { info, certificate } = seen;
    const days = certificate && certificateFinding(certificate.daysLeft, certificate.protocol);
    const link =
      info.get('master_link_status') === 'down'
        ? [finding('warning', 'role', 'a replica whose link to its master is down')]
        : [];
    return [...(days && days.level !== 'ok' ? [days] : []), ...link, ...nodeFindings(info)].map(
      (each) => at(address, each),
    );
  });
  const seen = nodes.flatMap(({ visit }) => visit.seen ?? []);
  const versions = [...new Set(seen.flatMap(({ info }) => versionOf(info) ?? []))].sort();
  if (versions.length > 1) {
    findings.push(
      finding('note', 'server', `the nodes run different versions: ${versions.join(', ')}`),
    );
  }
  return findings;
}

function hint({ check }: Finding): string {
  if (check === 'authentication') {
    return ' (its user name and password come from cluster.defaults, not from a root node)';
  }
  return check === 'reachable'
    ? ' (if it has another address here: cluster.nodeAddressMap, or cluster-announce-ip)'
    : '';
}

/** A summary, and conditions that keep the cluster from healing by itself. */
export function shapeFindings(view: ClusterView, nodes: readonly VisitedNode[]): Finding[] {
  const masters = mastersOf(view);
  const alone = masters.filter(({ id }) =>
    view.ranges.every(({ master, replicas }) => master.id !== id || replicas.length === 0),
  );
  const reached = nodes.filter(({ visit }) => visit.seen !== undefined).length;
  const replicas = nodesOf(view).length - masters.length;
  const summary = `${several(masters.length, 'master')} and ${several(replicas, 'replica')}, ${reached} of ${nodes.length} can be reached`;
  const whole = missingSlots(view.ranges).count === 0 && (view.state === 'ok' || view.state === '');
  return [
    ...(whole ? [finding('ok', 'slots', `all ${SLOTS} are served`)] : []),
    finding(reached === nodes.length ? 'ok' : 'note', 'nodes', summary),
    ...(alone.length === 0
      ? []
      : [
          finding(
            'note',
            'nodes',
            `${alone.length} of ${several(masters.length, 'master')} ${alone.length === 1 ? 'has' : 'have'} no replica: the cluster cannot replace a master that fails`,
          ),
        ]),
  ];
}

const several = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;

export function at(address: string, { check, level, text }: Finding): Finding {
  return { check, level, text: `${address}: ${text}` };
}

export function mastersOf({ ranges }: ClusterView): NodeAddress[] {
  return unique(ranges.map(({ master }) => master));
}

export function nodesOf({ ranges }: ClusterView): NodeAddress[] {
  return unique(ranges.flatMap(({ master, replicas }) => [master, ...replicas]));
}

function unique(nodes: readonly NodeAddress[]): NodeAddress[] {
  return [...new Map(nodes.map((node) => [node.id, node])).values()];
}
