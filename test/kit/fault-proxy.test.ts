import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  allBut,
  encodeCommand,
  FaultProxy,
  only,
  type ProxyConnection,
  RawConnection,
  type RedisServer,
  RespError,
  RespPush,
  startProxy,
  startRedis,
  stopAll,
  waitFor,
} from './index.js';

let server: RedisServer;
let proxy: FaultProxy;
let client: RawConnection;

beforeEach(async () => {
  server = await startRedis();
  proxy = await startProxy(server, { recordCommands: true });
  client = await RawConnection.open(proxy);
});

afterEach(async () => {
  client.close();
  await stopAll();
});

const LOADING = '-LOADING Redis is loading the dataset in memory';
const arrived = (count: number) =>
  waitFor(() => proxy.commands.length >= count, { what: `${count} commands at the proxy` });
const hasNothing = async (connection: RawConnection) => {
  await expect(connection.next(30)).rejects.toThrow('No reply within');
};

test('without a fault everything passes, in order and counted', async () => {
  for (let i = 1; i <= 100; i++) client.send('INCR', 'n');
  for (let i = 1; i <= 100; i++) expect(await client.next()).toBe(i);
  const big = 'x'.repeat(3_000_000);
  expect(await client.request('SET', 'big', big)).toBe('OK');
  expect(await client.request('GET', 'big')).toBe(big);
  expect(proxy.connections).toBe(1);
  const { toServer, toClient } = proxy.bytes;
  expect(toServer.received).toBe(toServer.delivered);
  expect(toServer.delivered).toBeGreaterThan(big.length);
  expect(toClient.received).toBe(toClient.delivered);
  expect(proxy.commands).toHaveLength(102);
  expect(proxy.commands.every((command) => command.forwarded === 'yes')).toBe(true);
  expect(proxy.commands[0]?.args).toEqual(['INCR', 'n']);
});

test('proxies a Unix socket', async () => {
  const path = `${server.dir}/redis.sock`;
  const other = await startRedis({ config: { unixsocket: path } });
  await other.command('SET', 'who', 'other');
  const unix = await startProxy({ path });
  const connection = await RawConnection.open(unix);
  expect(await connection.request('GET', 'who')).toBe('other');
  unix.reset();
  expect(await connection.closed).toBe('reset');
});

test('passes FIN of either side on', async () => {
  const other = await RawConnection.open(proxy);
  expect(await other.request('PING')).toBe('PONG');
  other.socket.end();
  expect(await other.closed).toBe('end');
  await waitFor(() => proxy.connections === 1, { what: 'the other connection to be gone' });
  await server.kill();
  expect(await client.closed).toBe('end');
  await waitFor(() => proxy.connections === 0, { what: 'no connection' });
});

test('a server that refuses shows as an accepted and reset connection', async () => {
  await server.kill();
  const connection = await RawConnection.open(proxy);
  expect(await connection.closed).toBe('reset');
});

test('reset() and end() cut the connections in scope', async () => {
  const getter = await RawConnection.open(proxy);
  await getter.request('GET', 'key');
  expect(proxy.reset((connection: ProxyConnection) => connection.seen.has('GET'))).toBe(1);
  expect(await getter.closed).toBe('reset');
  expect(await client.request('PING')).toBe('PONG');
  expect(proxy.connections).toBe(1);
  expect(proxy.end()).toBe(1);
  expect(proxy.connections).toBe(0);
  expect(await client.closed).toBe('end');
  await waitFor(async () => (await server.info('connected_clients')) === '1', {
    what: 'the server to see no connection but ours',
  });
});

test('refuse() and accept() on the same port, open connections go on', async () => {
  proxy.refuse();
  await expect(RawConnection.open(proxy)).rejects.toThrow('ECONNREFUSED');
  expect(await client.request('PING')).toBe('PONG');
  await proxy.accept();
  const again = await RawConnection.open(proxy);
  expect(await again.request('PING')).toBe('PONG');
  proxy.refuse();
  await proxy.restore();
  await RawConnection.open(proxy);
  expect(proxy.acceptedConnections).toBe(3);
});

describe('silence()', () => {
  test('to-server: what is held is delivered by restore()', async () => {
    proxy.silence('to-server');
    client.send('INCR', 'n');
    await arrived(1);
    expect(proxy.commands[0]?.forwarded).toBe('no');
    expect(await server.command('GET', 'n')).toBe(null);
    await proxy.restore();
    expect(await client.next()).toBe(1);
    expect(proxy.commands[0]?.forwarded).toBe('yes');
  });

  test('to-server: what is held is delivered even if the client has closed, as TCP does', async () => {
    proxy.silence();
    client.send('INCR', 'n');
    await arrived(1);
    client.socket.destroy();
    await client.closed;
    expect(await server.command('GET', 'n')).toBe(null);
    await proxy.restore();
    await waitFor(async () => (await server.command('GET', 'n')) === '1', { what: 'a late write' });
    await waitFor(() => proxy.connections === 0, { what: 'the connection to be gone' });
  });

  test('to-client: the command is executed, the reply is late', async () => {
    proxy.silence('to-client');
    client.send('INCR', 'n');
    await waitFor(async () => (await server.command('GET', 'n')) === '1', { what: 'execution' });
    await hasNothing(client);
    await proxy.restore();
    expect(await client.next()).toBe(1);
  });

  test('drop: nothing is delivered ever, and restore() resets who lost something', async () => {
    const idle = await RawConnection.open(proxy);
    proxy.silence('both', { mode: 'drop' });
    client.send('INCR', 'n');
    await arrived(1);
    await proxy.restore();
    expect(await client.closed).toBe('reset');
    expect(await server.command('GET', 'n')).toBe(null);
    expect(await idle.request('PING')).toBe('PONG');
  });

  test('the end of the server does not get through', async () => {
    proxy.silence('to-client');
    await server.kill();
    const pending = await Promise.race([client.closed, hasNothing(client)]);
    expect(pending).toBe(undefined);
    await proxy.restore();
    // The kernel resets a connection of a killed process that had not read everything.
    expect(['end', 'reset']).toContain(await client.closed);
  });

  test('only the present connections, only new ones, or those of a predicate', async () => {
    proxy.silence('both', { scope: 'present' });
    const second = await RawConnection.open(proxy);
    expect(await second.request('GET', 'key')).toBe(null);
    client.send('PING');
    await hasNothing(client);
    await proxy.restore();
    expect(await client.next()).toBe('PONG');

    proxy.silence('both', { scope: 'new' });
    const third = await RawConnection.open(proxy);
    third.send('PING');
    await hasNothing(third);
    expect(await client.request('PING')).toBe('PONG');
    await proxy.restore();
    expect(await third.next()).toBe('PONG');

    proxy.silence('both', { scope: (connection) => connection.seen.has('GET') });
    second.send('PING');
    await hasNothing(second);
    expect(await client.request('PING')).toBe('PONG');
  });
});

test('delay() delays each direction and keeps the order', async () => {
  const before = performance.now();
  proxy.delay({ toServerMs: 30, toClientMs: 30 });
  for (let i = 1; i <= 20; i++) client.send('INCR', 'n');
  for (let i = 1; i <= 20; i++) expect(await client.next()).toBe(i);
  expect(performance.now() - before).toBeGreaterThanOrEqual(59);
});

test('trickle() delivers slice by slice', async () => {
  await client.request('SET', 'key', 'x'.repeat(100));
  const before = performance.now();
  client.chunks.length = 0;
  proxy.trickle({ bytesPerSecond: 1000, direction: 'to-client' });
  expect(await client.request('GET', 'key')).toBe('x'.repeat(100));
  expect(performance.now() - before).toBeGreaterThanOrEqual(80);
  expect(Math.max(...client.chunks.map((chunk) => chunk.length))).toBeLessThan(100);
});

test('halfOpen() takes the server away unnoticed; new connections get nothing', async () => {
  expect(await client.request('PING')).toBe('PONG');
  proxy.halfOpen();
  client.send('PING');
  const later = await RawConnection.open(proxy);
  later.send('PING');
  await hasNothing(later);
  await hasNothing(client);
  expect([client.isOpen, later.isOpen]).toEqual([true, true]);
  await waitFor(async () => (await server.info('connected_clients')) === '1', {
    what: 'the server to have lost the connection',
  });
  await proxy.restore();
  expect(await Promise.all([client.closed, later.closed])).toEqual(['reset', 'reset']);
});

test('blackhole() swallows new connections only', async () => {
  proxy.blackhole();
  const later = await RawConnection.open(proxy);
  later.send('PING');
  await hasNothing(later);
  expect(await client.request('PING')).toBe('PONG');
  await proxy.restore();
  expect(await later.closed).toBe('reset');
  expect(await client.request('PING')).toBe('PONG');
});

describe('moveTo()', () => {
  test('new connections reach another server, present ones stay with theirs', async () => {
    const other = await startRedis();
    await Promise.all([server.command('SET', 'who', 'old'), other.command('SET', 'who', 'new')]);
    expect(await client.request('GET', 'who')).toBe('old');
    proxy.moveTo(other);
    const young = await RawConnection.open(proxy);
    expect(await young.request('GET', 'who')).toBe('new');
    expect(await client.request('GET', 'who')).toBe('old');
    expect(proxy.openConnections.map(({ target }) => target)).toEqual([server, other]);
    expect(proxy.commands.map(({ target }) => target)).toEqual([server, other, server]);
    await proxy.restore();
    const again = await RawConnection.open(proxy);
    expect(await again.request('GET', 'who')).toBe('new');
    // Where the old one was is no concern of the new one.
    await server.kill();
    expect(await client.closed).toBe('end');
    expect(await young.request('PING')).toBe('PONG');
  });
});

describe('forgetFlows()', () => {
  test('both directions: present connections are silent for ever, new ones pass', async () => {
    expect(await client.request('PING')).toBe('PONG');
    expect(proxy.forgetFlows()).toBe(1);
    client.send('INCR', 'n');
    await arrived(2);
    const young = await RawConnection.open(proxy);
    expect(await young.request('GET', 'n')).toBe(null);
    await proxy.restore();
    await hasNothing(client);
    expect([client.isOpen, proxy.commands[1]?.forwarded]).toEqual([true, 'no']);
    expect(await young.request('GET', 'n')).toBe(null);
  });

  test('to-server: pushes of the server still arrive', async () => {
    client.send('SUBSCRIBE', 'news');
    await client.next();
    proxy.forgetFlows('to-server');
    client.send('PING');
    await server.command('PUBLISH', 'news', 'hello');
    expect(await client.next()).toEqual(['message', 'news', 'hello']);
    await hasNothing(client);
  });

  test('to-client: commands are executed, replies and the end of the server are lost', async () => {
    proxy.forgetFlows('to-client');
    client.send('INCR', 'n');
    await waitFor(async () => (await server.command('GET', 'n')) === '1', { what: 'execution' });
    await server.kill();
    await hasNothing(client);
    expect(client.isOpen).toBe(true);
  });

  test.each(['to-server', 'to-client', 'both'] as const)(
    '%s: the server loses them when the client closes',
    async (direction) => {
      await client.request('PING');
      proxy.forgetFlows(direction);
      client.socket.destroy();
      await waitFor(() => proxy.connections === 0, { what: 'no connection' });
      await waitFor(async () => (await server.info('connected_clients')) === '1', {
        what: 'the server to see no connection but ours',
      });
    },
  );

  test('one whose end was held back is over at once', async () => {
    proxy.silence('both', { scope: 'present' });
    client.socket.destroy();
    await client.closed;
    // By now the proxy has read the end of the first one.
    const other = await RawConnection.open(proxy);
    expect(await other.request('PING')).toBe('PONG');
    expect(proxy.forgetFlows('both', ({ id }) => id === 1)).toBe(1);
    expect(proxy.connections).toBe(1);
  });

  test('only those of a predicate', async () => {
    const getter = await RawConnection.open(proxy);
    await getter.request('GET', 'key');
    expect(proxy.forgetFlows('both', ({ seen }) => seen.has('GET'))).toBe(1);
    getter.send('PING');
    await hasNothing(getter);
    expect(await client.request('PING')).toBe('PONG');
  });
});

describe('cutAfter()', () => {
  test('0 to-client: executed, and the reply is lost', async () => {
    const cut = proxy.cutAfter(0, 'to-client');
    client.send('INCR', 'n');
    expect(await client.closed).toBe('reset');
    expect(await cut).toBe(true);
    expect(client.chunks).toEqual([]);
    expect(await server.command('GET', 'n')).toBe('1');
  });

  test('in the middle of a reply: exactly that many bytes arrive', async () => {
    await client.request('SET', 'key', 'x'.repeat(1000));
    client.chunks.length = 0;
    void proxy.cutAfter(100, 'to-client');
    client.send('GET', 'key');
    expect(await client.closed).toBe('reset');
    expect(client.chunks.join('')).toHaveLength(100);
  });

  test('in the middle of a command: never executed', async () => {
    void proxy.cutAfter(10, 'to-server');
    client.send('INCR', 'n');
    expect(await client.closed).toBe('reset');
    expect(proxy.commands[0]?.forwarded).toBe('partly');
    expect(await server.command('GET', 'n')).toBe(null);
  });

  test('cuts one connection only, and can be withdrawn', async () => {
    const cut = proxy.cutAfter(0, 'to-client');
    const other = await RawConnection.open(proxy);
    client.send('PING');
    await client.closed;
    expect(await other.request('PING')).toBe('PONG');
    expect(await cut).toBe(true);
    const withdrawn = proxy.cutAfter(0, 'to-client');
    await proxy.restore();
    expect(await withdrawn).toBe(false);
    expect(await other.request('PING')).toBe('PONG');
  });
});

test('inject() writes raw bytes to either side', async () => {
  await client.request('PING');
  expect(proxy.inject('to-client', '>2\r\n+MOVING\r\n:5\r\n')).toBe(1);
  expect(await client.next()).toEqual(new RespPush(['MOVING', 5]));
  proxy.inject('to-server', encodeCommand(['SET', 'key', 'injected']));
  expect(await client.next()).toBe('OK');
  expect(await server.command('GET', 'key')).toBe('injected');
});

describe('answerWith()', () => {
  test('one reply per command, none reaches the server, other commands pass', async () => {
    await client.request('SET', 'n', '1');
    proxy.answerWith(LOADING, allBut('PING', 'HELLO', 'CLIENT'));
    client.send('INCR', 'n');
    client.send('ping');
    client.send('INCR', 'n');
    client.send('INCR', 'n');
    client.send('PING', 'x');
    const replies = [];
    while (replies.length < 5) replies.push(await client.next());
    const loading = new RespError(LOADING.slice(1));
    expect(replies).toEqual([loading, 'PONG', loading, loading, 'x']);
    expect(await server.command('GET', 'n')).toBe('1');
    expect(proxy.commands.filter((c) => c.forwarded === 'no').map((c) => c.args[0])).toEqual([
      'INCR',
      'INCR',
      'INCR',
    ]);
    await proxy.restore();
    expect(await client.request('INCR', 'n')).toBe(2);
  });

  test('an answer waits for the replies before it', async () => {
    proxy.delay({ toServerMs: 20 });
    client.send('ECHO', 'first');
    await arrived(1);
    proxy.answerWith('+SECOND');
    client.send('ECHO', 'second');
    await arrived(2);
    proxy.answerWith('+THIRD', only('NOTHING'));
    client.send('ECHO', 'third');
    expect([await client.next(), await client.next(), await client.next()]).toEqual([
      'first',
      'SECOND',
      'third',
    ]);
  });

  test('a command that was cut into pieces is answered once; one half sent goes on', async () => {
    const bytes = encodeCommand(['SET', 'key', 'x'.repeat(50)]);
    client.write(bytes.subarray(0, 20));
    await waitFor(() => proxy.bytes.toServer.delivered === 20, { what: 'the first half' });
    proxy.answerWith('-READONLY no');
    client.write(bytes.subarray(20));
    expect(await client.next()).toBe('OK');
    client.write(bytes.subarray(0, 20));
    await waitFor(() => proxy.bytes.toServer.received === bytes.length + 20, { what: 'a half' });
    client.write(bytes.subarray(20));
    expect(await client.next()).toEqual(new RespError('READONLY no'));
    expect(proxy.bytes.toServer.delivered).toBe(bytes.length);
    client.write(bytes.subarray(0, 20));
    await waitFor(() => proxy.bytes.toServer.received === 2 * bytes.length + 20, { what: 'half' });
    await proxy.restore();
    client.write(bytes.subarray(20));
    expect(await client.next()).toBe('OK');
  });

  test('messages of pub/sub and pushes are not taken for replies', async () => {
    client.send('SUBSCRIBE', 'a', 'b');
    expect(await client.next()).toEqual(['subscribe', 'a', 1]);
    expect(await client.next()).toEqual(['subscribe', 'b', 2]);
    proxy.delay({ toServerMs: 30 });
    client.send('PING');
    await arrived(2);
    await server.command('PUBLISH', 'a', 'hello');
    proxy.answerWith('+MINE', only('PING'));
    client.send('PING');
    expect(await client.next()).toEqual(['message', 'a', 'hello']);
    expect(await client.next()).toEqual(['pong', '']);
    expect(await client.next()).toBe('MINE');
  });

  test('takes a function', async () => {
    proxy.answerWith((command) => (command[1] === 'mine' ? `+${command[0]}` : undefined));
    expect(await client.request('GET', 'mine')).toBe('GET');
    expect(await client.request('GET', 'yours')).toBe(null);
    client.write('GET mine\r\n');
    expect(await client.next()).toBe('GET');
  });
});

test('rewriteReplies() replaces replies, knowing the command', async () => {
  await client.request('SET', 'key', 'x'.repeat(100_000));
  proxy.rewriteReplies((reply, command) => (command[0] === 'GET' ? `:${reply.length}` : undefined));
  expect(await client.request('GET', 'key')).toBe(100_000 + '$100000\r\n\r\n'.length);
  expect(await client.request('ECHO', 'same')).toBe('same');
});

test('close() ends everything and frees the port', async () => {
  proxy.silence();
  client.send('PING');
  await arrived(1);
  await proxy.close();
  expect(await client.closed).toBe('reset');
  await expect(RawConnection.open(proxy)).rejects.toThrow('ECONNREFUSED');
  const next = await startProxy(server, { port: proxy.port });
  expect(next).toBeInstanceOf(FaultProxy);
});
