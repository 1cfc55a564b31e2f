/** Scripts and functions on databases that don't know them. */
import { type CommandParser, defineScript } from '@redis/client';
import { createMultiDbClient, FunctionLoadError } from 'redis-multidb';
import { beforeEach, expect, it } from 'vitest';
import { expectNoLeaks, isRedis7, type RedisServer, startProxy, waitFor } from '../kit/index.js';
import {
  active,
  connected,
  databases,
  errorOf,
  healthy,
  own,
  QUICK,
  recordEvents,
  servers,
} from './support.js';

const since7 = it.runIf(await isRedis7());

const BY_HAND = { failbackSupported: false };
const LIBRARY = `#!lua name=orders
redis.register_function('double', function(keys, args) return args[1] * 2 end)`;
const OTHER = LIBRARY.replace('* 2', '* 3');
const double = ['FCALL', 'double', '0', '21'];
let east: RedisServer;
let west: RedisServer;

/** How often a subcommand of FUNCTION was called since the server was started. */
async function calls(server: RedisServer, name: string): Promise<number> {
  const stats = String(await server.command('INFO', 'commandstats'));
  return Number(new RegExp(`cmdstat_function\\|${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}
const loads = (server: RedisServer) => calls(server, 'load');
const lists = (server: RedisServer) => calls(server, 'list');

beforeEach(async () => {
  [east, west] = await servers();
});

it('sends a script in full where it is not known, also when a switch comes between', async () => {
  const plus = defineScript({
    NUMBER_OF_KEYS: 1,
    SCRIPT: 'return redis.call("INCRBY", KEYS[1], ARGV[1])',
    parseCommand(parser: CommandParser, key: string, by: number) {
      parser.pushKey(key);
      parser.push(String(by));
    },
    transformReply: (reply: unknown) => reply as number,
  });
  const client = own(
    createMultiDbClient({
      ...QUICK,
      ...BY_HAND,
      databases: databases([east, west]),
      client: { scripts: { plus } as never },
    }),
  ) as unknown as {
    plus(key: string, by: number): Promise<number>;
    multi(): { plus(key: string, by: number): { exec(): Promise<unknown[]> } };
    evalSha(sha: string): Promise<unknown>;
    connect(): Promise<unknown>;
    setActiveDatabase(id: string): Promise<void>;
  };
  await client.connect();
  const results: Promise<number>[] = [];
  for (const id of ['west', 'east', 'west']) {
    for (let count = 0; count < 20; count += 1) results.push(client.plus('key', 1));
    await client.setActiveDatabase(id);
    await west.command('SCRIPT', 'FLUSH');
  }
  await Promise.all(results);
  const sum = Number(await east.command('GET', 'key')) + Number(await west.command('GET', 'key'));
  expect(sum).toBe(60);
  await west.command('SCRIPT', 'FLUSH');
  expect(await client.multi().plus('other', 2).exec()).toEqual([2]);
  await west.command('SCRIPT', 'FLUSH');
  // As in node-redis: by hand there is no text to send.
  expect((await errorOf(client.evalSha('0'.repeat(40)))).message).toMatch(/^NOSCRIPT/);
});

since7('gives every database its functions before the first command', async () => {
  const client = await connected([east, west], { ...BY_HAND, preloadFunctions: [LIBRARY] });
  for (const id of ['west', 'east']) {
    await client.setActiveDatabase(id);
    expect(await client.sendCommand(double)).toBe(42);
  }
});

since7('loads them again on a standby that was restarted empty', async () => {
  const client = await connected([east, west], { ...BY_HAND, preloadFunctions: [LIBRARY] });
  await west.kill();
  await waitFor(() => !client.isHealthy('west'), { what: 'west to be noticed' });
  await west.restart();
  await healthy(client, 'west');
  expect(await loads(west)).toBe(1);
  await east.kill();
  expect(await client.sendCommand(double)).toBe(42);
  expect(client.activeDatabase).toBe('west');
});

since7('loads them before commands that waited for the connection', async () => {
  const client = await connected([east], {
    preloadFunctions: [LIBRARY],
    unhealthyAfterMs: 20_000,
    commandRetry: { safety: 'accumulating', waitDurationMs: 1 },
  });
  await east.kill();
  await waitFor(() => !client.isReady, { what: 'the loss to be noticed' });
  const reply = client.sendCommand(double);
  await east.restart();
  expect(await reply).toBe(42);
});

since7('writes nothing where they are, and replaces others', async () => {
  await east.command('FUNCTION', 'LOAD', OTHER);
  await west.command('FUNCTION', 'LOAD', LIBRARY);
  const client = await connected([east, west], { preloadFunctions: [LIBRARY] });
  expect(await client.sendCommand(double)).toBe(42);
  await own(client.duplicate()).connect();
  expect([await loads(east), await loads(west)]).toEqual([2, 1]);
});

since7('tells what it can not load, and goes on', async () => {
  const broken = '#!lua name=broken\nthis is no Lua';
  const client = own(
    createMultiDbClient({
      ...QUICK,
      databases: databases([east]),
      preloadFunctions: [broken, LIBRARY],
    }),
  );
  const events = recordEvents(client as never);
  await client.connect();
  expect(await client.sendCommand(double)).toBe(42);
  const [error] = events.of('error');
  expect(error).toBeInstanceOf(FunctionLoadError);
  expect(error).toMatchObject({ code: 'FUNCTION_LOAD_FAILED', databaseId: 'east' });
  expect(error?.message).toMatch(/^the functions of broken could not be loaded on east: ERR/);
});

since7('is not ready on a server that does not answer to it', async () => {
  const proxy = await startProxy(east);
  const client = own(
    createMultiDbClient({
      ...QUICK,
      databases: databases([proxy, west]),
      client: { socket: { connectTimeout: 300 } },
      preloadFunctions: [LIBRARY],
    }),
  );
  // The reply to FUNCTION never comes; probes have a connection of their own.
  const silenced = setInterval(
    () => proxy.silence('to-client', { scope: ({ seen }) => seen.has('FUNCTION') }),
    1,
  );
  proxy.delay({ toClientMs: 20, scope: 'new' });
  try {
    await client.connect();
    await active(client as never, 'west');
    expect(await client.sendCommand(double)).toBe(42);
  } finally {
    clearInterval(silenced);
  }
});

since7('leaves nothing behind when it is destroyed meanwhile', async () => {
  const proxy = await startProxy(east);
  proxy.delay({ toClientMs: 100 });
  await expectNoLeaks(async () => {
    const before = await lists(east);
    const client = createMultiDbClient({
      ...QUICK,
      databases: databases([proxy]),
      preloadFunctions: [LIBRARY],
    });
    const connecting = errorOf(client.connect());
    await waitFor(async () => (await lists(east)) > before, { what: 'the question' });
    client.destroy();
    expect(await connecting).toMatchObject({ code: 'CLIENT_CLOSED' });
    await waitFor(() => proxy.connections === 0, { what: 'its connections to go' });
  });
});

it.each([
  ['preloadFunctions', 'code'],
  ['preloadFunctions[0]', ['return 1']],
  ['preloadFunctions[1]', [LIBRARY, 7]],
])('refuses a wrong %s', (option, preloadFunctions) => {
  expect(() =>
    createMultiDbClient({
      databases: databases([east]),
      preloadFunctions: preloadFunctions as never,
    }),
  ).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
});
