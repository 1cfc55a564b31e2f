/** The examples with libraries, as a user starts them; one of the two servers is killed under traffic. */
import { io as connect, type Socket } from 'socket.io-client';
import { afterEach, expect, it } from 'vitest';
import { type RedisServer, startRedis, stopAll, waitFor } from '../kit/index.js';
import { Example, killExamples } from './support.js';

const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.disconnect();
  sockets.clear();
  killExamples();
  await stopAll();
});

async function start(file: string, environment: Record<string, string> = {}) {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const run = async () => {
    const example = new Example(file, { EAST_URL: east.url, WEST_URL: west.url, ...environment });
    return { example, url: await example.url() };
  };
  return { east, west, run, ...(await run()) };
}

/** Asks again and again; `answers` of `ask` count, what it throws fails the test at the end. */
function keepAsking(ask: (caller: number) => Promise<void>, callers = 5) {
  let isRunning = true;
  let answers = 0;
  const running = Array.from({ length: callers }, async (_, caller) => {
    while (isRunning) {
      await ask(caller);
      answers += 1;
    }
  });
  const failed = Promise.all(running).then(
    () => new Error('it has ended'),
    (error: unknown) => error,
  );
  return {
    /** Many more answers; rejects as soon as one failed. */
    flows: async () => {
      const goal = answers + 20 * callers;
      const enough = waitFor(() => answers >= goal, { what: 'answers', timeoutMs: 15_000 });
      const error = await Promise.race([enough.then(() => undefined), failed]);
      if (error !== undefined) throw error;
    },
    stop: async () => {
      isRunning = false;
      await Promise.all(running);
    },
  };
}

const isSwitched = (example: Example) =>
  waitFor(() => example.output.includes('redis: east -> west'), { what: 'the switch' });

async function json<T>(url: string, headers: Record<string, string> = {}): Promise<T> {
  const response = await fetch(url, { headers });
  expect(response.status, url).toBe(200);
  return (await response.json()) as T;
}

const keys = async (server: RedisServer, pattern: string) =>
  (await server.command('KEYS', pattern)) as string[];

it('sessions: no request fails, and every session goes on', async () => {
  const { east, west, example, url } = await start('sessions/server.js');
  const cookies: string[] = [];
  const visits: number[] = [];
  const traffic = keepAsking(async (caller) => {
    const response = await fetch(url, { headers: { cookie: cookies[caller] ?? '' } });
    expect(response.status).toBe(200);
    const cookie = response.headers.get('set-cookie');
    if (cookie !== null) cookies[caller] = cookie.split(';')[0] as string;
    const answer = (await response.json()) as { visits: number };
    // The second database has sessions of its own.
    expect([(visits[caller] ?? 0) + 1, 1]).toContain(answer.visits);
    visits[caller] = answer.visits;
  });
  await traffic.flows();
  expect((await keys(east, 'sess:*')).length).toBe(5);
  await east.kill();
  await traffic.flows();
  await isSwitched(example);
  await traffic.stop();
  for (const key of await keys(west, 'sess:*')) {
    const stored = JSON.parse(String(await west.command('GET', key))) as { visits: number };
    expect(visits).toContain(stored.visits);
  }
  expect((await keys(west, 'sess:*')).length).toBe(5);
  expect(await example.terminate()).toBe(0);
});

it('rate-limit: limits before, during and after the switch', async () => {
  const { east, west, example, url } = await start('rate-limit/server.js', { POINTS: '3' });
  const ask = async (key: string) => (await fetch(url, { headers: { 'x-api-key': key } })).status;
  const usesUp = async (key: string) => [await ask(key), await ask(key), await ask(key)];
  expect(await usesUp('me')).toEqual([200, 200, 200]);
  const refused = await fetch(url, { headers: { 'x-api-key': 'me' } });
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  let next = 0;
  const traffic = keepAsking(async () => expect(await ask(`caller-${next++}`)).toBe(200));
  await traffic.flows();
  await east.kill();
  await traffic.flows();
  await isSwitched(example);
  await traffic.stop();
  expect(await usesUp('me')).toEqual([200, 200, 200]);
  expect(await ask('me')).toBe(429);
  expect((await keys(west, '*:me')).length).toBe(1);
  // With none left it limits by itself.
  await west.kill();
  await waitFor(async () => (await ask('alone')) === 429, { what: 'the insurance to limit' });
  expect(await example.terminate()).toBe(0);
});

it('cache: computes once for each database, and answers throughout', async () => {
  const { east, west, example, url } = await start('cache/server.js');
  const computed = async () => (await json<{ computed: number }>(`${url}/computed`)).computed;
  const product = async (id: number) =>
    expect(await json(`${url}/products/${id}`)).toEqual({ id: `${id}`, name: `Product ${id}` });
  for (const id of [1, 2, 3, 1, 2, 3]) await product(id);
  expect(await computed()).toBe(3);
  expect((await keys(east, 'products*')).length).toBe(3);
  let next = 0;
  const traffic = keepAsking(() => product(next++ % 10));
  await traffic.flows();
  await east.kill();
  await traffic.flows();
  await isSwitched(example);
  await traffic.stop();
  expect((await keys(west, 'products*')).length).toBe(10);
  const before = await computed();
  for (let id = 0; id < 10; id += 1) await product(id);
  expect(await computed()).toBe(before);
  // With none left everything is computed.
  await west.kill();
  await product(1);
  expect(await computed()).toBe(before + 1);
  expect(await example.terminate()).toBe(0);
});

it.each(['bullmq/server.js', 'nestjs-bullmq/main.ts'])(
  '%s: jobs complete before and after the switch, and none fails',
  async (file) => {
    const { east, example, url } = await start(file);
    let next = 0;
    /** Whether a new job has completed; one of the server that was killed waits until it is back. */
    const completes = async () => {
      const request = { method: 'PUT', signal: AbortSignal.timeout(2000) };
      const response = await fetch(`${url}/emails/job-${next++}?to=ada`, request).catch(() => null);
      return response?.status === 200 && (await response.text()) === 'sent to ada';
    };
    const goesOn = () => waitFor(completes, { what: 'a job to complete', timeoutMs: 20_000 });
    await goesOn();
    await east.kill();
    await isSwitched(example);
    for (let count = 0; count < 3; count += 1) await goesOn();
    expect(example.output).not.toContain('failed: job-');
    expect(await example.terminate()).toBe(0);
  },
);

it('fastify-redis: no read fails, and requests are limited after the switch', async () => {
  const { east, west, example, url } = await start('fastify-redis/server.js', { MAX: '3' });
  const ask = async (caller: string, method = 'GET') => {
    const headers = { 'x-api-key': caller };
    return (await fetch(`${url}/hits`, { method, headers })).status;
  };
  const usesUp = async (key: string) => [await ask(key, 'POST'), await ask(key), await ask(key)];
  expect(await usesUp('me')).toEqual([200, 200, 200]);
  expect(await ask('me')).toBe(429);
  expect(await json<{ hits: number }>(`${url}/hits`)).toEqual({ hits: 1 });
  let next = 0;
  const traffic = keepAsking(async () => expect(await ask(`caller-${next++}`)).toBe(200));
  await traffic.flows();
  await east.kill();
  await traffic.flows();
  await isSwitched(example);
  await traffic.stop();
  expect(await usesUp('me')).toEqual([200, 200, 200]);
  expect(await ask('me')).toBe(429);
  expect((await json<{ activeDatabase: string }>(`${url}/redis/status`)).activeDatabase).toBe(
    'west',
  );
  // What needs no data is served without a database.
  await west.kill();
  await waitFor(async () => (await ask('me')) === 503, { what: 'the outage to be told' });
  expect(await example.terminate()).toBe(0);
});

it('socket.io: a message arrives once, at every server', async () => {
  const { east, example, url, run } = await start('socket.io/server.js');
  const other = await run();
  expect(await (await fetch(url)).text()).toContain('/socket.io/socket.io.js');
  const browsers = [url, other.url].map((each) => {
    const socket = connect(each, { transports: ['websocket'] });
    sockets.add(socket);
    const received: string[] = [];
    socket.on('message', (text: string) => received.push(text));
    return { socket, received };
  });
  const [here, there] = browsers as [(typeof browsers)[0], (typeof browsers)[0]];
  await waitFor(() => here.socket.connected && there.socket.connected, { what: 'browsers' });
  let next = 0;
  /** Sends to the first server until the second one has one of these. */
  const reaches = (name: string) =>
    waitFor(
      () => {
        here.socket.emit('message', `${name} ${next++}`);
        return there.received.some((text) => text.startsWith(name));
      },
      { what: `a message ${name}`, timeoutMs: 15_000 },
    );
  await reaches('before');
  await east.kill();
  await Promise.all([example, other.example].map(isSwitched));
  const restored = ({ output }: Example) =>
    output.includes('messages between servers go over west');
  await waitFor(() => restored(example) && restored(other.example), { what: 'subscriptions' });
  const expected = Array.from({ length: 100 }, (_, number) => `after ${number}`);
  for (const text of expected) here.socket.emit('message', text);
  const later = ({ received }: { received: string[] }) =>
    received.filter((text) => text.startsWith('after'));
  await waitFor(() => browsers.every((each) => later(each).length >= expected.length), {
    what: 'all messages',
  });
  await reaches('last');
  for (const browser of browsers) expect(later(browser)).toEqual(expected);
  expect(await Promise.all([example.terminate(), other.example.terminate()])).toEqual([0, 0]);
});
