/** Checks the conditions for a drill and collects what it needs to know. */
import type { FaultName } from '../../drill/rehearsal/settings.js';
import { inspect } from '../check/inspect.js';
import { checkReplication, type Place } from '../check/replication.js';
import { FailedError, UsageError } from '../exit.js';
import type { Target } from '../target.js';

const TIMEOUT_MS = 5000;
const REPLICATION_MS = 1500;

export interface Preflight {
  readonly versions: readonly string[];
  /** Ids of the databases in groups that replicate to each other; each database is in one group. */
  readonly groups: readonly (readonly string[])[];
}

/** Throws a `UsageError` for what a drill can't do. */
export function refuseImpossible({ resolved }: Target, faults: readonly FaultName[]): void {
  const { databases } = resolved;
  if (databases.length < 2) throw new UsageError('A drill needs at least two databases.');
  for (const { id, topology } of databases) {
    if (topology === 'client' || topology === 'pool') continue;
    throw new UsageError(
      `${id}: a drill does not support the topology '${topology}', because the nodes report their own addresses.`,
    );
  }
  const isTls = databases.some(({ client }) => isEncrypted(client));
  if (isTls && faults.includes('read-only')) {
    throw new UsageError(
      'The fault read-only needs connections without TLS: the proxy cannot read encrypted data. Remove it from --faults.',
    );
  }
}

/** Rejects with a `FailedError` when the databases are not fit for a drill. */
export async function preflight({ resolved }: Target, keyPrefix: string): Promise<Preflight> {
  const inspected = await Promise.all(resolved.databases.map((each) => inspect(each, TIMEOUT_MS)));
  try {
    const problems = inspected.flatMap(({ report }) =>
      report.findings
        .filter(({ level }) => level === 'problem')
        .map(({ text }) => `${report.id}: ${text}`),
    );
    if (problems.length > 0)
      throw new FailedError(`A drill needs healthy databases:\n  ${problems.join('\n  ')}`);
    const places = inspected.flatMap(({ database, probe }): Place[] =>
      probe ? [{ id: database.id, probe }] : [],
    );
    const { pairs, findings } = await checkReplication(places, REPLICATION_MS, keyPrefix);
    const refused = findings.filter(({ level }) => level === 'skipped').map(({ text }) => text);
    if (refused.length > 0) {
      throw new FailedError(
        `The load of a drill writes, so every database must accept writes:\n  ${[...new Set(refused)].join('\n  ')}`,
      );
    }
    const linked = pairs.filter(({ afterMs }) => afterMs !== null);
    const versions = [...new Set(inspected.flatMap(({ report }) => report.version ?? []))];
    return {
      versions: versions.map((version) => `Redis ${version}`),
      groups: grouped(
        places.map(({ id }) => id),
        linked,
      ),
    };
  } finally {
    for (const { probe } of inspected) probe?.destroy();
  }
}

/** Groups databases that are linked directly or through others. */
export function grouped(
  ids: readonly string[],
  links: readonly { readonly from: string; readonly to: string }[],
): string[][] {
  const groupOf = new Map(ids.map((id) => [id, new Set([id])]));
  for (const { from, to } of links) {
    const union = new Set([...(groupOf.get(from) ?? []), ...(groupOf.get(to) ?? [])]);
    for (const id of union) groupOf.set(id, union);
  }
  return [...new Set(groupOf.values())].map((group) => [...group]);
}

export function isEncrypted(client: object): boolean {
  const { url, socket } = client as { url?: string; socket?: { tls?: boolean } };
  return url?.startsWith('rediss:') === true || socket?.tls === true;
}
