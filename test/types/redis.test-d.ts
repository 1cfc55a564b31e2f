/** `redis-multidb/redis`: a client typed as those of the package `redis`; checked by the compiler alone. */
import { createClient, type RedisClientType } from 'redis';
import type { MultiDbClient as WithoutModules } from 'redis-multidb';
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb/redis';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(..._: Equal<A, B> extends true ? [] : ['not the same type']): void {}

const databases = [{ id: 'east', weight: 1, client: { url: 'redis://east.example.com' } }];
const client = createMultiDbClient({ databases });
const plain = createClient();

// It is a client of `redis` for whoever wants one, and has the members of a client of several databases.
function needsRedis(_client: RedisClientType): void {}
needsRedis(client);
needsRedis(createMultiDbClient('redis://east,west'));
const named: MultiDbClient = client;
same<typeof named.activeDatabase, string | undefined>();

// Modules as in `redis`, with the same types.
same<typeof client.json.get, typeof plain.json.get>();
same<typeof client.ft.search, typeof plain.ft.search>();
same<typeof client.ts.add, typeof plain.ts.add>();
same<typeof client.bf.add, typeof plain.bf.add>();
same<typeof client.tDigest.add, typeof plain.tDigest.add>();
same<typeof client.get, typeof plain.get>();

async function modules() {
  await client.json.set('key', '$', { name: 'Ada' });
  const replies = await client.multi().json.get('key').bf.exists('filter', 'item').exec();
  const typed = client.withTypeMapping({});
  await typed.ts.range('key', '-', '+');
  // @ts-expect-error: no such command
  client.json.gett('key');
  return replies;
}
void modules;

// Modules of the user are beside them.
const more = createMultiDbClient({
  databases,
  client: { modules: { own: {} } },
});
same<typeof more.json.get, typeof plain.json.get>();
same<keyof typeof more & 'own', 'own'>();

// The main entry point stays without modules.
declare const without: WithoutModules;
// @ts-expect-error: no module was named
without.json.get('key');
