/**
 * Opens and ends clients of the databases whose URLs are in its arguments, after the version of
 * `@redis/client`, in a process that initialised node-redis's OpenTelemetry. Prints as JSON what is
 * left of them: in node-redis's registry of clients, and in memory. Needs `--expose-gc`.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { MultiDbClientOptions } from 'redis-multidb';
import { useVersion5 } from '../chaos/version-5.js';

const [version, east = '', west = '', clusterPort] = process.argv.slice(2);
if (version === '5') useVersion5();
const { OpenTelemetry } = await import('@redis/client');
const { ClientRegistry } = await import('@redis/client/dist/lib/opentelemetry/client-registry.js');
const { createMultiDbClient } = await import('redis-multidb');
OpenTelemetry.init({ metrics: { enabled: true } });

const refs: WeakRef<object>[] = [];
function noted<T extends object>(client: T): T {
  refs.push(new WeakRef(client));
  return client;
}
const registered = () => [...ClientRegistry.instance.getAll()].map(({ identity }) => identity);

const at = (url: string, id: string) => ({ id, client: { url } });
const pool = { topology: 'pool' as const, pool: { minimum: 2 } };
const settings: Record<string, MultiDbClientOptions['databases']> = {
  client: [at(east, 'east'), at(west, 'west')],
  pool: [{ ...at(east, 'east'), ...pool }, at(west, 'west')],
  // Nothing listens there.
  refused: [at('redis://127.0.0.1:1', 'east'), at(west, 'west')],
};
if (clusterPort !== undefined) {
  const rootNodes = [{ url: `redis://127.0.0.1:${clusterPort}` }];
  settings.cluster = [{ id: 'east', topology: 'cluster', cluster: { rootNodes } }];
}

async function use(name: string, end: 'close' | 'destroy'): Promise<void> {
  const databases = settings[name] as (typeof settings)[string];
  const cached = name === 'client' ? { RESP: 3 as const, clientSideCache: {} } : {};
  const client = noted(createMultiDbClient({ databases, client: cached }));
  const duplicate = noted(client.duplicate());
  noted(client.duplicate());
  noted(createMultiDbClient({ databases }));
  await client.connect();
  await duplicate.connect();
  await client.get('n');
  await client.transaction('n', async (tx) => tx.multi().incr('n'));
  await duplicate.transaction('n', async (tx) => void noted(tx));
  await duplicate.subscribe('channel', () => {});
  noted(client.withTypeMapping({}));
  for (const each of [duplicate, client]) await each[end]();
}

for (const name of Object.keys(settings)) {
  for (let round = 0; round < 5; round += 1) {
    await use(name, 'close');
    await use(name, 'destroy');
  }
}
for (let round = 0; round < 20; round += 1) {
  await turn();
  (globalThis as { gc?: () => void }).gc?.();
}
const inMemory = refs.filter((ref) => ref.deref() !== undefined).length;
const left = { registered: registered(), inMemory, clients: refs.length };
process.stdout.write(`${JSON.stringify(left)}\n`);
