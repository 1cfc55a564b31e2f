/** Asks every configured Sentinel, and visits the reported servers. */

import { withAddress } from '../../drivers/node-redis/options.js';
import { type AddressMap, mapped } from '../../drivers/node-redis/sentinel/address.js';
import { addressOf } from '../../options/client.js';
import type { ResolvedSentinel } from '../../options/types.js';
import type { Deployment } from './deployment-view.js';
import {
  replicaFindings,
  type SentinelView,
  sentinelFindings,
  type VisitedServer,
} from './sentinel-rules.js';
import { parseInfo } from './server-rules.js';
import { inspectTls, tlsTargetOf } from './tls.js';
import { type Ask, fieldsOf, type Visit, visit } from './visit.js';

/** Never rejects; takes a few `timeoutMs` at most. */
export async function inspectSentinel(
  setting: ResolvedSentinel,
  timeoutMs: number,
): Promise<Deployment> {
  const { name, sentinelRootNodes, sentinelClientOptions, nodeClientOptions } = setting;
  const visits = await Promise.all(
    sentinelRootNodes.map(
      (root): Promise<Visit<SentinelView>> =>
        visit(withAddress(sentinelClientOptions, root), timeoutMs, (send) => look(send, name)),
    ),
  );
  const findings = sentinelFindings(name, visits);
  const views = visits.flatMap(({ seen }) => (seen?.master === undefined ? [] : [seen]));
  const [first] = views;
  if (first === undefined) return { findings };
  const optionsOf = (text: string) => {
    const colon = text.lastIndexOf(':');
    const address = { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
    return withAddress(nodeClientOptions, mapped(address, setting.nodeAddressMap as AddressMap));
  };
  const names = [...new Set(views.flatMap(({ replicas }) => replicas))];
  const replicas = await Promise.all(
    names.map(async (text): Promise<VisitedServer> => {
      const options = optionsOf(text);
      const seen = await visit(options, timeoutMs, async (send) => {
        await send('PING');
        return parseInfo(String(await send('INFO', 'replication').catch(() => '')));
      });
      return { visit: seen };
    }),
  );
  const tls = tlsTargetOf(optionsOf(first.master as string));
  const certificate = tls && (await inspectTls(tls, timeoutMs));
  return {
    findings: [...findings, ...replicaFindings(replicas)],
    named: addressOf({ ...optionsOf(first.master as string) }),
    certificateDaysLeft: certificate?.daysLeft,
  };
}

async function look(send: Ask, name: string): Promise<SentinelView> {
  const address = await send('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name);
  if (!Array.isArray(address)) {
    const masters = await send('SENTINEL', 'MASTERS').catch(() => []);
    const names = (masters as unknown[]).flatMap((each) => fieldsOf(each).get('name') ?? []);
    return { ...NOTHING, names };
  }
  const [fields, replicas, noQuorum] = await Promise.all([
    send('SENTINEL', 'MASTER', name).then(fieldsOf, () => new Map<string, string>()),
    // This name works since Redis 2; the newer one came with Redis 5.
    send('SENTINEL', 'SLAVES', name).catch(() => []),
    send('SENTINEL', 'CKQUORUM', name).then(() => undefined, quorumError),
  ]);
  return {
    ...NOTHING,
    master: address.map(String).join(':'),
    flags: (fields.get('flags') ?? '').split(','),
    noQuorum,
    others: Number(fields.get('num-other-sentinels') ?? 0),
    replicas: (replicas as unknown[]).flatMap((each) => {
      const replica = fieldsOf(each);
      const [host, port] = [replica.get('ip'), replica.get('port')];
      return host && port ? [`${host}:${port}`] : [];
    }),
  };
}

const NOTHING = {
  master: undefined,
  names: [],
  flags: [],
  noQuorum: undefined,
  others: 0,
  replicas: [],
};

/**
 * Returns undefined if the user lacks the permission, because that says nothing about the quorum.
 */
function quorumError(error: unknown): string | undefined {
  const { message } = error as Error;
  return message.startsWith('NOQUORUM')
    ? message.replace(/^NOQUORUM /, '').replace(/\.$/, '')
    : undefined;
}
