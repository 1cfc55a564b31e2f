import type { ProbeConnection } from '../../driver.js';
import type { NodeRedisOptions } from '../options.js';
import { openProbeConnection } from '../probe-connection.js';
import type { Address, MasterAnswer } from './address.js';

/** One Sentinel's reply; `master` is undefined if it does not know the name. */
export interface SentinelAnswer {
  readonly master: MasterAnswer | undefined;
  /** The other Sentinels that it knows. */
  readonly others: readonly Address[];
}

/**
 * Asks one Sentinel over a connection of its own, which is closed afterwards. Rejects if the
 * Sentinel can't be reached or refuses, or if `signal` aborts first.
 */
export async function askSentinel(
  options: NodeRedisOptions,
  name: string,
  signal: AbortSignal,
): Promise<SentinelAnswer> {
  const connection = await openProbeConnection(options, signal);
  const end = () => connection.destroy();
  signal.addEventListener('abort', end, { once: true });
  try {
    signal.throwIfAborted();
    const [address, epoch, others] = await Promise.all([
      connection.send(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name]),
      // Only the permission to ask for the address is required.
      epochOf(connection, name).catch(() => 0),
      othersOf(connection, name).catch(() => []),
    ]);
    return { master: masterOf(address, epoch), others };
  } finally {
    signal.removeEventListener('abort', end);
    connection.destroy();
  }
}

function masterOf(reply: unknown, epoch: number): MasterAnswer | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [host, port] = reply.map(String);
  return host && Number(port) > 0 ? { host, port: Number(port), epoch } : undefined;
}

async function epochOf(connection: ProbeConnection, name: string): Promise<number> {
  const fields = fieldsOf(await connection.send(['SENTINEL', 'MASTER', name]));
  return Number(fields.get('config-epoch')) || 0;
}

async function othersOf(connection: ProbeConnection, name: string): Promise<Address[]> {
  const reply = await connection.send(['SENTINEL', 'SENTINELS', name]);
  return (Array.isArray(reply) ? reply : []).flatMap((each) => {
    const fields = fieldsOf(each);
    const [host, port] = [fields.get('ip'), Number(fields.get('port'))];
    return host && port > 0 ? [{ host, port }] : [];
  });
}

/** Reads alternating names and values, as in RESP 2. */
function fieldsOf(reply: unknown): Map<string, string> {
  const items = Array.isArray(reply) ? reply.map(String) : [];
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < items.length; i += 2)
    fields.set(items[i] as string, items[i + 1] as string);
  return fields;
}
