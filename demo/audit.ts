/** Reads the servers directly, without the client under test. */
import { type Audit, compare } from '../src/drill/load/audit.js';
import { keyOf as key } from '../src/drill/load/commands.js';
import { entryKey, type Ledger, type TokenCommand } from '../src/drill/load/ledger.js';
import { RawConnection, type Reply } from '../test/kit/index.js';
import { KEY_PREFIX, type Servers } from './servers.js';

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

async function readTokens(
  connection: RawConnection,
  callers: number,
  found: (command: TokenCommand, token: string) => void,
): Promise<void> {
  for (const at of list(await connection.request('KEYS', `${KEY_PREFIX}set:*`))) {
    found('SET', String(at).slice(String(at).lastIndexOf(':') + 1));
  }
  for (let caller = 0; caller < callers; caller++) {
    const fields = list(await connection.request('HKEYS', key(KEY_PREFIX, 'HSET', caller)));
    for (const token of fields) found('HSET', String(token));
    const items = list(
      await connection.request('LRANGE', key(KEY_PREFIX, 'LPUSH', caller), '0', '-1'),
    );
    for (const token of items) found('LPUSH', String(token));
    const messages = list(
      await connection.request('XRANGE', key(KEY_PREFIX, 'XADD', caller), '-', '+'),
    );
    for (const message of messages) found('XADD', String(list(list(message)[1])[1]));
  }
}

function list(reply: Reply | undefined): Reply[] {
  if (!Array.isArray(reply)) throw new Error(`Expected an array, received ${String(reply)}`);
  return reply;
}
