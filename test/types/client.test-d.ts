/** What the types promise; checked by the compiler alone, with both client versions. */
import {
  type CommandParser,
  createClient,
  defineScript,
  RESP_TYPES,
  type RedisClientType,
  type RespVersions,
} from '@redis/client';
import {
  createMultiDbClient,
  type DatabaseSnapshot,
  type Explanation,
  type IneligibilityReason,
  InitializationFailedError,
  isMultiDbError,
  type MultiDbClient,
  type MultiDbErrorCode,
  parseConnectionString,
  type SwitchReason,
} from 'redis-multidb';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(..._: Equal<A, B> extends true ? [] : ['not the same type']): void {}

const databases = [{ id: 'east', weight: 1, client: { url: 'redis://east.example.com' } }];
const client = createMultiDbClient({ databases });

// It is accepted where a node-redis client is expected.
function needsNodeRedis(_client: RedisClientType): void {}
needsNodeRedis(client);
const plain = createClient();
const either: typeof plain = client;
same<typeof either.get, typeof client.get>();

// Members of its own, and what replaces node-redis's.
same<typeof client.activeDatabase, string | undefined>();
same<typeof client.databases, readonly DatabaseSnapshot[]>();
same<Awaited<ReturnType<typeof client.close>>, void>();
same<ReturnType<typeof client.explain>, Explanation>();
same<Explanation['others'][number]['lacks'], readonly IneligibilityReason[]>();
same<Awaited<ReturnType<typeof client.addDatabase>>, DatabaseSnapshot>();
same<ReturnType<typeof client.setWeight>, boolean>();
same<ReturnType<typeof client.setFailbackSupported>, boolean>();
async function connected() {
  const result = await client.connect();
  same<typeof result, MultiDbClient>();
  await using disposed = result;
  await disposed.forceActiveDatabase('east', { durationMs: 1000 });
}

// Commands as in node-redis, with the same types.
async function commands() {
  same<Parameters<typeof client.set>, Parameters<typeof plain.set>>();
  const got: string | null = await client.get('key');
  const all: string = (await client.hGetAll('hash')).field as string;
  const popped: { key: string; element: string } | null = await client.blPop('key', 1);
  // @ts-expect-error: no such command
  client.gett('key');
  // @ts-expect-error: a key is not a number
  client.get(1);
  // @ts-expect-error: its answer is not a number
  const wrong: number = await client.get('key');
  return [got, all, popped, wrong];
}

// Type mappings, also through views of views.
async function views() {
  const buffers = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const buffer: Buffer | null = await buffers.get('key');
  const also: Buffer | null = await buffers.withRetrySafety('accumulating').get('key');
  const again: Buffer | null = await buffers.withAbortSignal(AbortSignal.abort()).asap().get('key');
  const viaOptions: string | null = await client
    .withCommandOptions({ timeout: 100, retrySafety: 'read', asap: true })
    .get('key');
  // @ts-expect-error: it is a Buffer now
  const wrong: string | null = await buffers.get('key');
  // @ts-expect-error: not a category that may be allowed
  client.withRetrySafety('never');
  // @ts-expect-error: unknown option
  client.withCommandOptions({ timeoutMs: 100 });
  return [buffer, also, again, viaOptions, wrong];
}

// Transactions have a type for each reply.
async function transactions() {
  const [ok, value, count] = await client.multi().set('key', '1').get('key').incr('n').execTyped();
  const first: string | null = ok;
  const second: string | null = value;
  const third: number = count;
  // @ts-expect-error: the third is a number
  const wrong: string = count;
  const [piped] = await client.multi().incr('n').execAsPipelineTyped();
  const number: number = piped;
  return [first, second, third, wrong, number];
}

// Optimistic ones answer what the callback returns; a multi() that it returns is executed.
async function optimistic() {
  const replies = await client.transaction(['a', Buffer.from('b')], async (tx) => {
    const before: string | null = await tx.get('a');
    return tx.multi().set('a', `${before}`).incr('n');
  });
  const count: number = replies[1];
  const text: string | null = await client.transaction('a', (tx) => tx.get('a'), {
    maxAttempts: 3,
    timeoutMs: 1000,
  });
  const buffers = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const buffer: Buffer | null = await buffers.transaction('a', (tx) => tx.get('a'));
  // @ts-expect-error: the second reply is a number
  const wrong: string = replies[1];
  // @ts-expect-error: unknown option
  client.transaction('a', () => 0, { retries: 3 });
  return [count, text, buffer, wrong];
}

// A duplicate is one more client of several databases, with the same extensions and views.
async function duplicates() {
  const worker: MultiDbClient = await client.duplicate().connect();
  same<typeof worker.activeDatabase, string | undefined>();
  const buffers = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).duplicate();
  const buffer: Buffer | null = await buffers.get('key');
  const scripted = client.duplicate({ scripts: { plus } });
  const sum: number = await scripted.plus('key', 1);
  return [buffer, sum];
}

// Modules, scripts and functions.
const plus = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: 'return redis.call("INCRBY", KEYS[1], ARGV[1])',
  parseCommand(parser, key: string, by: number) {
    parser.pushKey(key);
    parser.push(by.toString());
  },
  transformReply: undefined as unknown as () => number,
});
async function extended() {
  const rich = createMultiDbClient({
    databases,
    client: {
      RESP: 3,
      scripts: { plus },
      modules: {
        mod: {
          echo: {
            parseCommand(parser: CommandParser, text: string) {
              parser.push('ECHO', text);
            },
            transformReply: undefined as unknown as () => string,
          },
        },
      },
      functions: {
        library: {
          twice: {
            NUMBER_OF_KEYS: 0,
            parseCommand(parser: CommandParser, value: number) {
              parser.push(value.toString());
            },
            transformReply: undefined as unknown as () => number,
          },
        },
      },
    },
  });
  const sum: number = await rich.plus('key', 1);
  const text: string = await rich.mod.echo('text');
  const doubled: number = await rich.library.twice(2);
  const viewed: number = await rich.withRetrySafety('read').plus('key', 1);
  // @ts-expect-error: a number is needed
  rich.plus('key', '1');
  // @ts-expect-error: no such module
  rich.other;
  await rich.connect().then((open) => open.plus('key', 1));
  return [sum, text, doubled, viewed];
}

// Events have their own payloads and literal reasons.
client.on('switch', ({ from, to, reason, cause, at, generation }) => {
  same<typeof from, string | undefined>();
  same<typeof to, string | undefined>();
  same<typeof reason, SwitchReason>();
  same<typeof cause, string>();
  same<typeof at, Date>();
  same<typeof generation, number>();
  // @ts-expect-error: no such reason
  return reason === 'because';
});
client.once('database-unhealthy', async ({ id, error }) => {
  same<typeof id, string>();
  same<typeof error, unknown>();
});
client.on('error', (error) => same<typeof error, Error>());
client.off('end', () => {});
client.on('ready', () => {});

// Options: what is unknown or of the wrong type is an error.
createMultiDbClient({
  databases: [
    { client: { socket: { host: 'east', port: 1 }, password: 'x' }, healthCheck: false },
    { client: { url: 'redis://west' }, healthCheck: { numProbes: 1, policy: 'ANY_SUCCESS' } },
  ],
  commandRetry: {
    safety: 'last-write-wins',
    includedErrors: [TypeError],
    ignoredErrors: () => true,
  },
  failureDetector: { slidingWindowType: 'count', slidingWindowSize: 10 },
  healthCheck: async (probe) => (await probe.sendCommand(['PING'])) === 'PONG',
  initializationPolicy: 'ALL_AVAILABLE',
  standbyConnections: 'lazy',
});
// @ts-expect-error: databases are required
createMultiDbClient({});
// @ts-expect-error: unknown option
createMultiDbClient({ databases, gracePeriod: 1 });
// @ts-expect-error: unknown option of a database
createMultiDbClient({ databases: [{ url: 'redis://east' }] });
// @ts-expect-error: milliseconds are a number
createMultiDbClient({ databases, gracePeriodMs: '1s' });
// @ts-expect-error: not a category
createMultiDbClient({ databases, commandRetry: { safety: 'write' } });
// @ts-expect-error: unknown option of node-redis
createMultiDbClient({ databases, client: { hots: 'east' } });

// The default RESP version is that of the library.
same<
  NonNullable<NonNullable<(typeof client)['options']>['RESP']>,
  NonNullable<NonNullable<(typeof plain)['options']>['RESP']>
>();
const resp2: RespVersions = 2;
createMultiDbClient({ databases, client: { RESP: resp2 } });

// Errors.
function judge(error: unknown): MultiDbErrorCode | undefined {
  if (error instanceof InitializationFailedError) {
    same<(typeof error)['failures'][number]['databaseId'], string>();
  }
  if (!isMultiDbError(error)) return undefined;
  same<typeof error.maybeExecuted, boolean>();
  same<typeof error.databaseId, string | undefined>();
  // @ts-expect-error: no such code
  return error.code === 'NONSENSE' ? undefined : error.code;
}

export { commands, connected, duplicates, extended, judge, optimistic, transactions, views };

// Events: a name that no event has is an error.
export function events() {
  client
    .on('reconnecting', () => {})
    .on('switch', ({ from, to, reason }) => [from, to, reason])
    .on('error', (error) => error.message);
  // @ts-expect-error: no such event
  client.on('swich', () => {});
  // @ts-expect-error: an event of node-redis that this client does not have
  client.once('terminated', () => {});
  // @ts-expect-error: no such event
  client.off('message', () => {});
}

// A connection string gives the same client, and its parsed options can be extended.
same<ReturnType<typeof fromText>, MultiDbClient>();
function fromText() {
  return createMultiDbClient(
    'rediss://app:secret@east.example.com,west.example.com/0?weight=1,0.5',
  );
}
const parsed = parseConnectionString('redis://east.example.com');
createMultiDbClient({ ...parsed, client: { ...parsed.client, name: 'app' } });
// Of the function itself, as a type for a client.
declare const ofFunction: ReturnType<typeof createMultiDbClient>;
ofFunction.on('failover', ({ durationMs }) => same<typeof durationMs, number>());
// @ts-expect-error: the variable may not be set
createMultiDbClient(process.env.REDIS_DATABASES);
