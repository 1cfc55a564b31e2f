/** The classification of what real servers answer, as node-redis hands it over. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createClient, ErrorReply } from '@redis/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Classification, classify, type StateWord } from '../../src/core/classify.js';
import { isRedis7, type RedisServer, rawCommand, startRedis, waitFor } from '../kit/index.js';

type Client = ReturnType<typeof connectTo>;

function connectTo(port: number) {
  const client = createClient({
    RESP: 2,
    socket: { port, host: '127.0.0.1', reconnectStrategy: false },
  });
  client.on('error', () => {});
  return client;
}

const clients: Client[] = [];

async function open(server: RedisServer): Promise<Client> {
  const client = connectTo(server.port);
  clients.push(client);
  await client.connect();
  return client;
}

const split = (command: string | string[]) =>
  typeof command === 'string' ? command.split(' ') : command;

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  const value = await promise.catch((error: unknown) => error);
  if (value instanceof Error) return value;
  throw new Error(`Expected an error, got ${JSON.stringify(value)}`);
}

/** Sends it, expects an error reply, and classifies that with and without the driver's help. */
async function ask(client: Client, command: string | string[]): Promise<Classification> {
  const args = split(command);
  const error = await errorOf(client.sendCommand(args));
  expect(error).toBeInstanceOf(ErrorReply);
  const commandName = String(args[0]).toUpperCase();
  const verdict = classify(error, { driverKind: 'reply', written: true, commandName });
  expect(verdict).toBe(classify(error, { driverKind: undefined, written: true, commandName }));
  return verdict;
}

const state = (stateWord: StateWord): Classification => ({
  kind: 'state-reply',
  countsAsFailure: true,
  executed: 'no',
  stateWord,
});
const inside = (stateWord: StateWord): Classification => ({
  kind: 'state-word-inside',
  countsAsFailure: false,
  executed: 'perhaps',
  stateWord,
});
const application = (executed: 'yes' | 'no' = 'yes'): Classification => ({
  kind: 'application-reply',
  countsAsFailure: false,
  executed,
  stateWord: undefined,
});
const access = (): Classification => ({
  kind: 'access',
  countsAsFailure: false,
  executed: 'no',
  stateWord: undefined,
});

const LIBRARY = `#!lua name=lib
redis.register_function('put', function(keys) return redis.call('SET', keys[1], 'v') end)`;
const WRITE = ['EVAL', "return redis.call('SET', KEYS[1], 'v')", '1', 'k'];
const WRITE_PCALL = ['EVAL', "return redis.pcall('SET', KEYS[1], 'v')", '1', 'k'];
const WRITE_FLAGS = ['EVAL', "#!lua\nreturn redis.call('SET', KEYS[1], 'v')", '1', 'k'];

let server: RedisServer;
let client: Client;

beforeAll(async () => {
  server = await startRedis();
  client = await open(server);
  if (await isRedis7()) await client.sendCommand(['FUNCTION', 'LOAD', LIBRARY]);
});
afterEach(async () => {
  for (const one of clients.splice(0)) if (one !== client && one.isOpen) one.destroy();
});
afterAll(async () => {
  if (client?.isOpen) client.destroy();
  await server?.stop();
});

/** Runs `body` under a setting, which is undone afterwards. */
async function under(settings: Record<string, [string, string]>, body: () => Promise<void>) {
  for (const [name, [value]] of Object.entries(settings)) {
    await server.command('CONFIG', 'SET', name, value);
  }
  try {
    await body();
  } finally {
    for (const [name, [, value]] of Object.entries(settings)) {
      await server.command('CONFIG', 'SET', name, value);
    }
  }
}

async function asReplica(body: () => Promise<void>) {
  // Nobody listens on port 1: the link stays down.
  await server.command('REPLICAOF', '127.0.0.1', '1');
  try {
    await body();
  } finally {
    await server.command('REPLICAOF', 'NO', 'ONE');
  }
}

describe('application errors', () => {
  it('WRONGTYPE, BUSYGROUP, NOSCRIPT, BUSYKEY, syntax', async () => {
    await client.sendCommand(split('XADD stream * f v'));
    await client.sendCommand(split('XGROUP CREATE stream group $'));
    expect(await ask(client, 'INCR stream')).toEqual(application());
    expect(await ask(client, 'XGROUP CREATE stream group $')).toEqual(application());
    const unknownScript = { ...application(), executed: 'no' };
    expect(await ask(client, `EVALSHA ${'0'.repeat(40)} 0`)).toEqual(unknownScript);
    expect(await ask(client, 'SET k')).toEqual(application());
    expect(await ask(client, 'NOSUCH command')).toEqual(application());
  });

  it('of a script', async () => {
    await client.sendCommand(['SET', 'text', 'x']);
    expect(await ask(client, ['EVAL', 'error("boom")', '0'])).toEqual(application());
    expect(await ask(client, ['EVAL', "return redis.call('INCR', 'text')", '0'])).toEqual(
      application(),
    );
    expect(await ask(client, ['EVAL', "return redis.error_reply('ERR own')", '0'])).toEqual(
      application(),
    );
  });

  it('CLIENT UNBLOCK is not a change of the state', async () => {
    const blocked = await open(server);
    const id = await blocked.sendCommand(['CLIENT', 'ID']);
    const verdict = ask(blocked, 'BLPOP nothing 5');
    await waitFor(() => server.command('CLIENT', 'UNBLOCK', String(id), 'ERROR'), {
      what: 'the client to block',
    });
    expect(await verdict).toEqual(application());
  });
});

describe('a replica', () => {
  it('refuses writes: READONLY', async () => {
    await asReplica(async () => {
      expect(await ask(client, 'SET k v')).toEqual(state('READONLY'));
      expect(await ask(client, WRITE)).toEqual(inside('READONLY'));
      expect(await ask(client, WRITE_PCALL)).toEqual(inside('READONLY'));
      if (await isRedis7()) {
        // Refused before they begin, but in the words that WRITE_PCALL hands on.
        expect(await ask(client, WRITE_FLAGS)).toEqual(inside('READONLY'));
        expect(await ask(client, 'FCALL put 1 k')).toEqual(inside('READONLY'));
      }
    });
  });

  it('refuses everything when it may not serve stale data: MASTERDOWN', async () => {
    await under({ 'replica-serve-stale-data': ['no', 'yes'] }, () =>
      asReplica(async () => {
        expect(await ask(client, 'GET k')).toEqual(state('MASTERDOWN'));
        expect(await ask(client, WRITE)).toEqual(state('MASTERDOWN'));
        expect(await ask(client, WRITE_PCALL)).toEqual(state('MASTERDOWN'));
      }),
    );
  });

  it('throws out who is blocked when it becomes one', async () => {
    const blocked = await open(server);
    const id = await blocked.sendCommand(['CLIENT', 'ID']);
    const verdict = ask(blocked, 'BLPOP nothing 5');
    await waitFor(
      async () =>
        String(await server.command('CLIENT', 'LIST', 'ID', String(id))).includes('flags=b'),
      { what: 'the client to block' },
    );
    await asReplica(async () => {
      expect(await verdict).toEqual(state('READONLY'));
    });
  });
});

it('OOM', async () => {
  await under({ maxmemory: ['1', '0'] }, async () => {
    expect(await ask(client, 'SET k v')).toEqual(state('OOM'));
    expect(await ask(client, WRITE)).toEqual(inside('OOM'));
    expect(await ask(client, WRITE_PCALL)).toEqual(inside('OOM'));
    if (await isRedis7()) expect(await ask(client, WRITE_FLAGS)).toEqual(inside('OOM'));
  });
});

it('NOREPLICAS', async () => {
  await under({ 'min-replicas-to-write': ['1', '0'] }, async () => {
    expect(await ask(client, 'SET k v')).toEqual(state('NOREPLICAS'));
    expect(await ask(client, WRITE)).toEqual(inside('NOREPLICAS'));
  });
});

it('MISCONF', async () => {
  await using failing = await startRedis({ config: { save: '3600 1000000' } });
  // A dump can't replace a directory, whoever runs the server.
  await mkdir(path.join(failing.dir, 'dump.rdb', 'x'), { recursive: true });
  const other = await open(failing);
  await other.sendCommand(['BGSAVE']);
  await waitFor(async () => (await failing.info('rdb_last_bgsave_status')) === 'err', {
    what: 'BGSAVE to fail',
  });
  expect(await ask(other, 'SET k v')).toEqual(state('MISCONF'));
  expect(await ask(other, WRITE)).toEqual(inside('MISCONF'));
});

it('BUSY, and a script that was killed', async () => {
  await under({ 'lua-time-limit': ['10', '5000'] }, async () => {
    const endless = await open(server);
    const killed = ask(endless, ['EVAL', 'while true do end', '0']);
    await waitFor(
      () =>
        rawCommand({ port: server.port }, 'PING').then(
          () => false,
          () => true,
        ),
      { what: 'the server to be busy' },
    );
    expect(await ask(client, 'GET k')).toEqual(state('BUSY'));
    expect(await ask(client, WRITE)).toEqual(state('BUSY'));
    await server.command('SCRIPT', 'KILL');
    expect(await killed).toEqual(application());
  });
});

it.runIf(await isRedis7())('LOADING', async () => {
  await using loading = await startRedis();
  const other = await open(loading);
  await loading.command('DEBUG', 'POPULATE', '3000');
  await loading.command('CONFIG', 'SET', 'key-load-delay', '300');
  await loading.command('CONFIG', 'SET', 'loading-process-events-interval-bytes', '1024');
  const reloaded = loading.command('DEBUG', 'RELOAD');
  await waitFor(
    () =>
      rawCommand({ port: loading.port }, 'PING').then(
        () => false,
        (error) => /LOADING/.test(error),
      ),
    { what: 'the server to load' },
  );
  expect(await ask(other, 'GET k')).toEqual(state('LOADING'));
  expect(await ask(other, WRITE)).toEqual(state('LOADING'));
  await reloaded;
});

it('CLUSTERDOWN and CROSSSLOT', async () => {
  await using node = await startRedis({ config: { 'cluster-enabled': true } });
  const other = await open(node);
  expect(await ask(other, 'GET k')).toEqual(state('CLUSTERDOWN'));
  expect(await ask(other, WRITE)).toEqual(state('CLUSTERDOWN'));
  const slots = Array.from({ length: 16_384 }, (_, slot) => String(slot));
  await node.command('CLUSTER', 'ADDSLOTS', ...slots);
  await waitFor(async () => (await node.command('GET', 'k')) === null, { what: 'the cluster' });
  expect(await ask(other, 'MGET a b')).toEqual(application('no'));
});

describe('access', () => {
  it('WRONGPASS, NOPERM, NOAUTH', async () => {
    const other = await open(server);
    await server.command(...split('ACL SETUSER limited on >secret ~* +get +auth'));
    expect(await ask(other, 'AUTH limited wrong')).toEqual(access());
    expect(await ask(other, 'AUTH secret')).toEqual(access());
    await other.sendCommand(['AUTH', 'limited', 'secret']);
    expect(await ask(other, 'SET k v')).toEqual(access());

    await using guarded = await startRedis({ password: 'secret' });
    const stranger = await errorOf(open(guarded).then((one) => one.sendCommand(['GET', 'k'])));
    const context = { driverKind: undefined, written: true, commandName: 'GET' };
    expect(classify(stranger, context)).toEqual(access());
  });

  it('the number of clients', async () => {
    await using crowded = await startRedis({ config: { maxclients: 1 } });
    const only = await open(crowded);
    const turnedAway = await errorOf(open(crowded).then((one) => one.sendCommand(['GET', 'k'])));
    const context = { driverKind: undefined, written: false, commandName: 'GET' };
    // Either the reply, or the end of the connection when that was seen first.
    const verdict = classify(turnedAway, context);
    expect(verdict).toMatchObject({ countsAsFailure: true, executed: 'no' });
    expect(only.isReady).toBe(true);
  });
});

describe('a transaction', () => {
  const transaction = async (...commands: (string | string[])[]) => {
    for (const command of commands) await client.sendCommand(split(command)).catch(() => {});
  };

  it('is not executed when EXEC fails', async () => {
    await transaction('MULTI', 'SET k v', 'NOSUCH command');
    expect(await ask(client, 'EXEC')).toEqual(application('no'));

    await transaction('MULTI', 'SET transaction v');
    await asReplica(async () => {
      expect(await ask(client, 'EXEC')).toEqual(state('READONLY'));
    });
    expect(await client.sendCommand(['EXISTS', 'transaction'])).toBe(0);

    await transaction('MULTI', 'SET transaction v');
    await under({ maxmemory: ['1', '0'] }, async () => {
      expect(await ask(client, 'EXEC')).toEqual(state('OOM'));
    });
    expect(await client.sendCommand(['EXISTS', 'transaction'])).toBe(0);
  });

  it('may be executed in part when the errors are in its result', async () => {
    await transaction('MULTI', 'DEL text', WRITE_PCALL, 'LLEN stream');
    await under({ maxmemory: ['1', '0'] }, async () => {
      const replies = (await client.sendCommand(['EXEC'])) as unknown[];
      const context = { driverKind: 'reply', written: true, commandName: 'EXEC' } as const;
      const verdict = (reply: unknown) => classify(reply, { ...context, insideResult: true });
      expect(typeof replies[0]).toBe('number');
      expect(verdict(replies[1])).toEqual(inside('OOM'));
      expect(verdict(replies[2])).toEqual(application());
    });
  });
});
