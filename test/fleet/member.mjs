// One process of the fleet: reads, and writes each number once. Arguments: its name, two URLs, the pause
// between two commands, and the timeout of a probe in milliseconds. Reports every switch to its parent, and at `stop` everything
// that became of its commands.
import { setTimeout as sleep } from 'node:timers/promises';
import { createMultiDbClient } from 'redis-multidb';
import { redisSteering } from 'redis-multidb/steering';

const [, , name = '', east = '', west = '', pause = '100', timeout = '1000'] = process.argv;
const timeoutMs = Number(timeout);
const client = createMultiDbClient({
  databases: [
    { id: 'east', weight: 1, client: { url: east } },
    { id: 'west', weight: 0.5, client: { url: west } },
  ],
  instanceId: name,
  steering: redisSteering({ key: 'ops:steering', intervalMs: 500 }),
  keepConnectingMs: 60_000,
  suspectAfterMs: timeoutMs,
  // Short, so that a return does not take minutes.
  healthCheck: { intervalMs: Math.max(1000, timeoutMs), timeoutMs, numProbes: 1 },
  gracePeriodMs: 1000,
  failbackCheckIntervalMs: 1000,
});
client.on('error', () => {});
client.on('switch', ({ from, to, reason }) => tell({ kind: 'switch', from, to, reason }));
client.on('steered', ({ state, version }) => tell({ kind: 'steered', state, version }));

/** @type {string[]} */
const readErrors = [];
/** @type {{ acknowledged: number[], unknown: number[], refused: number[] }} */
const writes = { acknowledged: [], unknown: [], refused: [] };
let reads = 0;
let isStopping = false;

/** @param {object} message */
function tell(message) {
  if (process.connected) process.send?.(message);
}

async function read() {
  while (!isStopping) {
    try {
      await client.get('key');
      reads += 1;
    } catch (error) {
      readErrors.push(String(error));
    }
    await sleep(Number(pause));
  }
}

async function write() {
  for (let number = 1; !isStopping; number += 1) {
    try {
      await client.rPush(`ledger:${name}`, String(number));
      writes.acknowledged.push(number);
    } catch (error) {
      const isOpen = /** @type {{ maybeExecuted?: boolean }} */ (error).maybeExecuted !== false;
      writes[isOpen ? 'unknown' : 'refused'].push(number);
    }
    await sleep(Number(pause));
  }
}

process.on('disconnect', () => process.exit(1));
await client.connect();
const traffic = Promise.all([read(), write()]);
process.on('message', async (message) => {
  if (message === 'explain') return tell({ kind: 'explanation', text: String(client.explain()) });
  isStopping = true;
  await traffic;
  const { activeDatabase } = client;
  await client.close();
  const result = { kind: 'result', activeDatabase, reads, readErrors, writes };
  // Not before it has left.
  process.send?.(result, () => process.exit());
});
tell({ kind: 'ready' });
