import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import {
  RawConnection,
  type RedisServer,
  RespError,
  rawCommand,
  startRedis,
  startReplica,
  stopAll,
  waitFor,
  waitForSync,
} from './index.js';

afterEach(stopAll);

/** A dead orphan that was not reaped yet counts as dead as well. */
const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    return existsSync('/proc/self') ? false : (error as { code?: string }).code !== 'ESRCH';
  }
};

describe('startRedis', () => {
  test('answers as soon as it resolves, in a directory that stop() removes', async () => {
    const server = await startRedis();
    expect(await server.command('PING')).toBe('PONG');
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
    expect(server.dir).toMatch(/redis-multidb-test-.{6}$/);
    await server.stop();
    expect(server.isRunning).toBe(false);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(existsSync(server.dir)).toBe(false);
  });

  test('starts several at once on ports of their own', async () => {
    const servers = await Promise.all([startRedis(), startRedis(), startRedis()]);
    expect(new Set(servers.map((server) => server.port)).size).toBe(3);
  });

  test('takes a password, directives and arguments; DEBUG is allowed', async () => {
    const server = await startRedis({
      password: 'p@ss/word',
      config: { 'client-output-buffer-limit': 'normal 1 2 3', 'replica-read-only': false },
      args: ['--maxmemory', '1mb'],
    });
    expect(server.url).toBe(`redis://:p%40ss%2Fword@127.0.0.1:${server.port}`);
    expect(await server.command('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', '1048576']);
    expect(await server.command('CONFIG', 'GET', 'replica-read-only')).toContain('no');
    expect(await server.command('DEBUG', 'SLEEP', '0')).toBe('OK');
    await expect(rawCommand({ port: server.port }, 'PING')).rejects.toThrow(/^NOAUTH/);
  });

  test('says why a server does not start', async () => {
    await expect(startRedis({ config: { maxmemory: 'nonsense' } })).rejects.toThrow(
      /ended at start/,
    );
    const { port } = await startRedis();
    await expect(startRedis({ port })).rejects.toThrow(/Address already in use/);
    await expect(startRedis({ binary: '/no/such/redis' })).rejects.toThrow(/ENOENT/);
  });
});

describe('RedisServer', () => {
  test('command() rejects with the error reply', async () => {
    const server = await startRedis();
    await server.command('LPUSH', 'list', 1, Buffer.from('two'));
    expect(await server.command('LRANGE', 'list', 0, -1)).toEqual(['two', '1']);
    await expect(server.command('INCR', 'list')).rejects.toThrow(RespError);
    await expect(server.command('INCR', 'list')).rejects.toMatchObject({ code: 'WRONGTYPE' });
  });

  test('kill() ends the process and its connections; restart() has the same port and no data', async () => {
    const server = await startRedis();
    await server.command('SET', 'key', 'value');
    const connection = await RawConnection.open(server);
    const { pid } = server;
    expect(await server.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await connection.closed).not.toBe('closed');
    await expect(server.command('PING')).rejects.toThrow(/ECONNREFUSED/);
    await server.restart();
    expect(server.pid).not.toBe(pid);
    expect(await server.command('GET', 'key')).toBe(null);
  });

  test.each([false, true])(
    'restart() keeps the data with persist (running before: %s)',
    async (runs) => {
      const server = await startRedis({ persist: true });
      await server.command('SET', 'key', 'value');
      if (!runs) await server.kill();
      await server.restart();
      expect(await server.command('GET', 'key')).toBe('value');
    },
  );

  test('a frozen server takes connections, answers after thaw(), and can be killed', async () => {
    const server = await startRedis();
    await server.freeze();
    expect(server.isRunning).toBe(true);
    const connection = await RawConnection.open(server);
    connection.send('PING');
    await expect(connection.next(50)).rejects.toThrow('No reply within 50 ms');
    await server.thaw();
    expect(await connection.next()).toBe('PONG');
    await server.freeze();
    expect(await server.kill()).toMatchObject({ signal: 'SIGKILL' });
    connection.close();
  });

  test('stop() ends a frozen server', async () => {
    const server = await startRedis();
    await server.freeze();
    await server.stop();
    expect(server.isRunning).toBe(false);
  });

  test('await using ends it', async () => {
    let outer: RedisServer;
    {
      await using server = await startRedis();
      outer = server;
    }
    expect(outer.isRunning).toBe(false);
  });
});

test('a promoted replica that is killed begins without data, as every server without persistence', async () => {
  const master = await startRedis();
  await master.command('SET', 'key', 'value');
  const replica = await startRedis();
  await replica.command('REPLICAOF', master.host, String(master.port));
  await waitForSync(master, replica);
  await replica.command('REPLICAOF', 'NO', 'ONE');
  expect(await replica.command('GET', 'key')).toBe('value');
  await replica.kill();
  await replica.restart();
  expect(await replica.command('GET', 'key')).toBeNull();
});

test('startReplica() is in sync when it resolves', async () => {
  const master = await startRedis({ password: 'secret' });
  await master.command('SET', 'key', 'value');
  const replica = await startReplica(master);
  expect(await replica.command('GET', 'key')).toBe('value');
  expect(await replica.info('role')).toBe('slave');
  await expect(replica.command('SET', 'key', 'other')).rejects.toThrow(/^READONLY/);
  await master.command('SET', 'key', 'newer');
  await waitForSync(master, replica);
  expect(await replica.command('GET', 'key')).toBe('newer');
});

test('stopAll() ends frozen and running servers', async () => {
  const servers = await Promise.all([startRedis(), startRedis()]);
  await servers[0]?.freeze();
  await stopAll();
  expect(servers.map((server) => server.isRunning)).toEqual([false, false]);
  expect(servers.map((server) => existsSync(server.dir))).toEqual([false, false]);
});

describe('nothing outlives the process', () => {
  const script = `
    const { startRedis } = await import(process.argv[1]);
    const server = await startRedis();
    await server.freeze();
    console.log(JSON.stringify({ pid: server.pid, dir: server.dir }));
    const end = { exit: () => process.exit(3), throw: () => { throw new Error('boom'); } }[process.argv[2]];
    if (end) setImmediate(end); else setInterval(() => {}, 1000);
  `;

  test.each(['exit', 'throw', 'SIGINT', 'SIGTERM', 'SIGKILL'])('ended by %s', async (how) => {
    const kit = new URL('./index.ts', import.meta.url).href;
    const args = ['--import', 'tsx', '--input-type=module', '-e', script, kit, how];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = await new Promise<string[]>((resolve) =>
      child.stdout.once('data', (data) => resolve(String(data).split('\n'))),
    );
    const { pid, dir } = JSON.parse(line as string) as { pid: number; dir: string };
    if (how.startsWith('SIG')) child.kill(how as NodeJS.Signals);
    await waitFor(() => child.exitCode !== null || child.signalCode !== null, { what: 'the end' });
    await waitFor(() => !isAlive(pid), { what: 'the server to die' });
    await waitFor(() => !existsSync(dir), { what: 'the directory to go' });
  });
});
