/**
 * Reads the servers directly, without the client under test, and compares what they hold with what
 * the callers were told.
 */
import { RawConnection, type Reply } from '../test/kit/index.js';
import { key } from './commands.js';
import { entryKey, type Ledger, type TokenCommand } from './ledger.js';
import type { Servers } from './servers.js';

export interface Audit {
  /** Executions that the servers show. */
  readonly executed: number;
  readonly executedTwice: readonly Finding[];
  readonly missing: readonly Finding[];
  /** Executed although the error said that they certainly were not. */
  readonly denied: readonly Finding[];
  /** Held by a server and issued by nobody. */
  readonly foreign: readonly string[];
}

export interface Finding {
  readonly text: string;
  readonly step: number;
  /** How many executions too many or too few. */
  readonly times: number;
}

export async function audit(servers: Servers, ledger: Ledger, callers: number): Promise<Audit> {
  const tokens = new Map<string, string[]>();
  const counters = new Map<string, number>();
  for (const id of servers.ids) {
    const connection = await RawConnection.open({ port: servers.get(id).port, timeoutMs: 20_000 });
    try {
      await readTokens(connection, callers, (command, token) => {
        const at = entryKey(command, token);
        tokens.set(at, [...(tokens.get(at) ?? []), id]);
      });
      for (const { key } of ledger.counters.values()) {
        const value = Number((await connection.request('GET', key)) ?? 0);
        counters.set(key, (counters.get(key) ?? 0) + value);
      }
    } finally {
      connection.close();
    }
  }
  return compare(ledger, tokens, counters);
}

/** `tokens`: for each write the servers that hold it, once per execution; `counters`: their sums. */
export function compare(
  ledger: Ledger,
  tokens: ReadonlyMap<string, readonly string[]>,
  counters: ReadonlyMap<string, number>,
): Audit {
  let executed = 0;
  const executedTwice: Finding[] = [];
  const missing: Finding[] = [];
  const denied: Finding[] = [];
  for (const [at, { outcome, step }] of ledger.entries) {
    const holders = tokens.get(at) ?? [];
    executed += holders.length;
    const where = holders.join(' and ');
    const times = holders.length - 1;
    if (times > 0) executedTwice.push({ text: `${at} is on ${where}`, step, times });
    if (outcome === 'acknowledged' && holders.length === 0) {
      missing.push({ text: `${at} is nowhere`, step, times: 1 });
    }
    if (outcome === 'unexecuted' && holders.length > 0) {
      denied.push({ text: `${at} is on ${where}`, step, times: holders.length });
    }
  }
  for (const { key, acknowledged, unknown, pending, steps } of ledger.counters.values()) {
    const value = counters.get(key) ?? 0;
    executed += value;
    // Which step an increment too many belongs to does not show; the first possible one is likely.
    const step = steps.size === 0 ? -1 : Math.min(...steps);
    const text = `${key} is ${value}; ${acknowledged} acknowledged, ${unknown} unknown`;
    const most = acknowledged + unknown + pending;
    if (value > most) executedTwice.push({ text, step, times: value - most });
    if (value < acknowledged) missing.push({ text, step, times: acknowledged - value });
  }
  const foreign = [...tokens.keys()].filter((at) => !ledger.entries.has(at));
  return { executed, executedTwice, missing, denied, foreign };
}

async function readTokens(
  connection: RawConnection,
  callers: number,
  found: (command: TokenCommand, token: string) => void,
): Promise<void> {
  for (const at of list(await connection.request('KEYS', 'demo:set:*'))) {
    found('SET', String(at).slice(String(at).lastIndexOf(':') + 1));
  }
  for (let caller = 0; caller < callers; caller++) {
    const fields = list(await connection.request('HKEYS', key('HSET', caller)));
    for (const token of fields) found('HSET', String(token));
    const items = list(await connection.request('LRANGE', key('LPUSH', caller), '0', '-1'));
    for (const token of items) found('LPUSH', String(token));
    const messages = list(await connection.request('XRANGE', key('XADD', caller), '-', '+'));
    for (const message of messages) found('XADD', String(list(list(message)[1])[1]));
  }
}

function list(reply: Reply | undefined): Reply[] {
  if (!Array.isArray(reply)) throw new Error(`Expected an array, received ${String(reply)}`);
  return reply;
}
