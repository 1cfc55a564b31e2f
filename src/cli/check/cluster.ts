/** Asks every root node of a cluster for its view, and visits every reported node. */
import { systemClock } from '../../clock.js';
import { percentile } from '../../drill/load/series.js';
import { withAddress } from '../../drivers/node-redis/options.js';
import { type AddressMap, mapped } from '../../drivers/node-redis/sentinel/address.js';
import type { ResolvedCluster } from '../../options/types.js';
import {
  type ClusterView,
  clusterNodeFindings,
  mastersOf,
  type NodeAddress,
  type NodeReading,
  nodesOf,
  type SlotRange,
  seedFindings,
  shapeFindings,
  slotFindings,
  type VisitedNode,
} from './cluster-rules.js';
import type { Deployment } from './deployment-view.js';
import { parseInfo } from './server-rules.js';
import { inspectTls, tlsTargetOf } from './tls.js';
import { type Ask, type Visit, visit } from './visit.js';

const PINGS = 5;

/** Never rejects; takes a few `timeoutMs` at most. */
export async function inspectCluster(
  { rootNodes, defaults, nodeAddressMap }: ResolvedCluster,
  timeoutMs: number,
): Promise<Deployment> {
  const seeds = await Promise.all(
    rootNodes.map((root): Promise<Visit<ClusterView>> => visit(root, timeoutMs, look)),
  );
  const findings = [...seedFindings(seeds), ...slotFindings(seeds)];
  const [view] = seeds.flatMap(({ seen }) => (seen && seen.ranges.length > 0 ? [seen] : []));
  if (view === undefined) return { findings };
  const masters = new Set(mastersOf(view).map(({ id }) => id));
  const nodes = await Promise.all(
    nodesOf(view).map(async (node): Promise<VisitedNode> => {
      const options = withAddress(defaults, mapped(node, nodeAddressMap as AddressMap));
      const role = masters.has(node.id) ? 'master' : 'replica';
      const visited = await visit(options, timeoutMs, (send) => read(send, options, timeoutMs));
      return { role, visit: visited };
    }),
  );
  const seen = nodes.flatMap(({ visit: { seen: one } }) => one ?? []);
  const days = seen.flatMap(({ certificate }) => certificate?.daysLeft ?? []);
  const latencies = seen.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  return {
    findings: [...shapeFindings(view, nodes), ...findings, ...clusterNodeFindings(nodes)],
    runIds: seen.flatMap(({ info }) => info.get('run_id') ?? []),
    latencyMs: percentile(latencies, 0.5),
    certificateDaysLeft: days.length === 0 ? undefined : Math.min(...days),
  };
}

async function look(send: Ask): Promise<ClusterView> {
  const [slots, info, nodes] = await Promise.all([
    send('CLUSTER', 'SLOTS'),
    send('CLUSTER', 'INFO').catch(() => ''),
    send('CLUSTER', 'NODES').catch(() => ''),
  ]);
  return {
    state: parseInfo(String(info)).get('cluster_state') ?? '',
    ranges: (slots as unknown[]).flatMap((each) => rangeOf(each) ?? []),
    failed: failedOf(String(nodes)),
  };
}

function rangeOf(entry: unknown): SlotRange | undefined {
  const [from, to, ...nodes] = entry as [number, number, ...unknown[]];
  const [master, ...replicas] = nodes.map((node): NodeAddress => {
    const [host, port, id] = node as unknown[];
    return { host: String(host ?? ''), port: Number(port), id: String(id ?? `${host}:${port}`) };
  });
  return master === undefined
    ? undefined
    : { from: Number(from), to: Number(to), master, replicas };
}

/** `id ip:port@bus,hostname flags ...` */
function failedOf(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [, address = '', flags = ''] = line.split(' ');
    return flags.split(',').includes('fail') ? [address.replace(/@.*/, '')] : [];
  });
}

async function read(send: Ask, options: object, timeoutMs: number): Promise<NodeReading> {
  const took: number[] = [];
  for (let round = 0; round < PINGS; round++) {
    const beganAt = systemClock.now();
    await send('PING');
    took.push(systemClock.now() - beganAt);
  }
  const info = parseInfo(String(await send('INFO').catch(() => '')));
  const tls = tlsTargetOf(options);
  const { daysLeft, protocol } =
    tls === undefined
      ? { daysLeft: undefined, protocol: undefined }
      : await inspectTls(tls, timeoutMs);
  return {
    info,
    latencyMs:
      percentile(
        took.sort((a, b) => a - b),
        0.5,
      ) ?? 0,
    certificate:
      daysLeft === undefined || protocol === undefined ? undefined : { daysLeft, protocol },
  };
}
