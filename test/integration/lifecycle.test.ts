import {
  ClientClosedError,
  createMultiDbClient,
  InitializationFailedError,
  isMultiDbError,
} from 'redis-multidb';
import { expect, it } from 'vitest';
import { freePorts, once, startProxy, turns, waitFor } from '../kit/index.js';
import {
  clientOf,
  connected,
  connections,
  databases,
  EVENT_NAMES,
  errorOf,
  healthy,
  LONG_GRACE,
  own,
  QUICK,
  recordEvents,
  servers,
  switchTo,
} from './support.js';

const nowhere = async () =>
  (await freePorts(2)).map((port) => ({ url: `redis://127.0.0.1:${port}` }));

it('opens nothing before connect() and rejects commands', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west]);
  expect([client.isOpen, client.isReady, client.activeDatabase]).toEqual([false, false, undefined]);
  const error = await errorOf(client.get('key'));
  expect(error).toBeInstanceOf(ClientClosedError);
  expect(error).toMatchObject({ message: 'The client is closed' });
  expect(await errorOf(client.multi().get('key').exec())).toMatchObject({ code: 'CLIENT_CLOSED' });
  expect(await connections(east)).toBe(0);
});

it('resolves connect() to the client, once for all that call it', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west]);
  const events = recordEvents(client);
  const results = await Promise.all([client.connect(), client.connect(), client.connect()]);
  expect(results.every((result) => result === client)).toBe(true);
  expect(await client.connect()).toBe(client);
  expect(events.of('connect')).toHaveLength(1);
  expect(events.of('ready')).toHaveLength(1);
  // One data connection and one for probes.
  await waitFor(async () => (await connections(east)) === 2, { what: 'two connections' });
});

it('serves commands that were issued while it connects', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west]);
  const connecting = client.connect();
  expect(client.isOpen).toBe(true);
  expect(client.isReady).toBe(false);
  expect(await client.set('key', 'value')).toBe('OK');
  expect(await connecting).toBe(client);
  expect(await east.command('GET', 'key')).toBe('value');
});

it('says for each database why connect() failed, and leaves nothing open', async () => {
  const [server] = await servers(1);
  const refused = await nowhere();
  const proxy = await startProxy(server);
  proxy.answerWith('-LOADING Redis is loading the dataset in memory');
  const client = clientOf([...refused, proxy]);
  const events = recordEvents(client);
  const pending = (async () => {
    await once(client, 'connect');
    return errorOf(client.get('key'));
  })();
  const error = await errorOf(client.connect());

  expect(error).toBeInstanceOf(InitializationFailedError);
  expect(isMultiDbError(error)).toBe(true);
  const { failures } = error as unknown as InitializationFailedError;
  expect(failures.map(({ databaseId }) => databaseId)).toEqual(['east', 'west', 'north']);
  expect(failures[0]?.reason).toMatch(/ECONNREFUSED/);
  expect(failures[2]?.reason).toMatch(/LOADING/);
  for (const { databaseId, reason } of failures) {
    expect(error.message).toContain(`${databaseId}: ${reason}`);
  }
  expect(await pending).toMatchObject({ code: 'CLIENT_CLOSED' });
  expect([client.isOpen, client.isReady]).toEqual([false, false]);
  await waitFor(() => proxy.connections === 0, { what: 'its connections to be closed' });
  expect(events.of('ready')).toHaveLength(0);
});

it('connects again after a failure, and after close', async () => {
  const [east, west] = await servers();
  await Promise.all([east.kill(), west.kill()]);
  const client = clientOf([east, west]);
  await errorOf(client.connect());
  await Promise.all([east.restart(), west.restart()]);
  for (let round = 0; round < 3; round += 1) {
    expect(await client.connect()).toBe(client);
    expect(await client.incr('rounds')).toBe(round + 1);
    await client.close();
    expect([client.isOpen, client.isReady]).toEqual([false, false]);
    expect(await errorOf(client.get('key'))).toMatchObject({ code: 'CLIENT_CLOSED' });
  }
  await waitFor(async () => (await connections(east)) === 0, { what: 'no connection' });
});

it('waits in close() for what is pending, and accepts nothing more', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const events = recordEvents(client);
  const popped = client.blPop('queue', 0);
  const gets = Array.from({ length: 100 }, () => client.get('key'));
  await waitFor(async () => (await east.info('blocked_clients')) === '1', { what: 'BLPOP' });
  const closing = client.close();
  const closedTwice = client.close();
  expect(await errorOf(client.get('key'))).toMatchObject({ code: 'CLIENT_CLOSED' });
  expect(await errorOf(client.connect())).toMatchObject({ code: 'CLIENT_CLOSED' });
  expect(events.of('end')).toHaveLength(0);
  await east.command('LPUSH', 'queue', 'element');
  expect(await popped).toEqual({ key: 'queue', element: 'element' });
  expect(await Promise.all(gets)).toHaveLength(100);
  await Promise.all([closing, closedTwice]);
  expect(events.of('end')).toHaveLength(1);
  await client.close();
  expect(events.of('end')).toHaveLength(1);
  await waitFor(async () => (await connections(east)) === 0, { what: 'no connection' });
});

it('does not wait in close() for what was refused for its abort signal', async () => {
  const client = await connected(await servers());
  await client.set('key', 'value');
  const given = (abortSignal: unknown) => client.withCommandOptions({ abortSignal } as object);
  // As node-redis has it.
  expect(await given(null).get('key')).toBe('value');
  expect(await errorOf(given({ aborted: false }).get('key'))).toBeInstanceOf(TypeError);
  expect(client.stats().pending).toBe(0);
  await client.close();
});

it('fails over while close() waits', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  await west.command('SET', 'key', 'west');
  await east.freeze();
  const get = client.get('key');
  const closing = client.close();
  expect(await get).toBe('west');
  await closing;
});

it('rejects what is pending in destroy()', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const events = recordEvents(client);
  await east.freeze();
  const written = client.incr('counter');
  await turns(3);
  const unwritten = client.incr('counter');
  client.destroy();
  expect([client.isOpen, client.isReady]).toEqual([false, false]);
  expect(await errorOf(written)).toMatchObject({ code: 'CLIENT_CLOSED', maybeExecuted: true });
  expect(await errorOf(unwritten)).toMatchObject({ code: 'CLIENT_CLOSED', maybeExecuted: false });
  expect(await errorOf(client.get('key'))).toMatchObject({ code: 'CLIENT_CLOSED' });
  client.destroy();
  expect(events.of('end')).toHaveLength(1);
  await east.thaw();
  await waitFor(async () => (await connections(east)) === 0, { what: 'no connection' });
  expect(['1', undefined, null]).toContain(await east.command('GET', 'counter'));
});

it.each(['close', 'destroy'] as const)('%s() during connect() ends it', async (end) => {
  const [east, west] = await servers();
  const proxies = await Promise.all([startProxy(east), startProxy(west)]);
  for (const proxy of proxies) proxy.silence('both');
  const client = clientOf(proxies);
  const connecting = errorOf(client.connect());
  const pending = errorOf(client.get('key'));
  await waitFor(() => proxies.every((proxy) => proxy.connections > 0), { what: 'connections' });
  await client[end]();
  expect(await connecting).toMatchObject({ code: 'CLIENT_CLOSED' });
  expect(await pending).toMatchObject({ code: 'CLIENT_CLOSED', maybeExecuted: false });
  expect(client.isOpen).toBe(false);
  for (const proxy of proxies) await proxy.restore();
  await waitFor(() => proxies.every((proxy) => proxy.connections === 0), { what: 'no connection' });
  expect(await client.connect()).toBe(client);
  expect(await client.ping()).toBe('PONG');
});

it('is async disposable', async () => {
  const [east, west] = await servers();
  {
    await using client = clientOf([east, west]);
    await client.connect();
    await client.set('key', 'value');
  }
  await waitFor(async () => (await connections(east)) === 0, { what: 'no connection' });
  expect(await east.command('GET', 'key')).toBe('value');
});

it('quit and disconnect of older code end it, too', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  expect(await client.quit()).toBe('OK');
  expect(client.isOpen).toBe(false);
  await client.connect();
  await client.disconnect();
  expect(client.isOpen).toBe(false);
});

const SERVICE: readonly string[] = ['ready', 'reconnecting', 'end'];

it('is ready exactly while a database serves, and says so', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west], LONG_GRACE);
  const duplicate = own(client.duplicate());
  const clients = [client, duplicate];
  /** What each client has told, and every moment at which it did not agree with that. */
  const told = clients.map((each) => {
    const story: string[] = [];
    const disagrees: string[] = [];
    for (const name of EVENT_NAMES) {
      each.on(name, () => {
        if (SERVICE.includes(name)) story.push(name);
        if (each.isReady !== (story.at(-1) === 'ready')) disagrees.push(`${story} then ${name}`);
      });
    }
    return { story, disagrees };
  });
  let isOver = false;
  const watch = () => {
    for (const [index, { story, disagrees }] of told.entries()) {
      const isReady = story.at(-1) === 'ready';
      if (clients[index]?.isReady !== isReady) disagrees.push(`${story} later`);
    }
    if (!isOver) setImmediate(watch);
  };
  watch();
  await client.connect();
  await duplicate.connect();
  await healthy(client);
  expect(clients.map((each) => each.isReady)).toEqual([true, true]);
  // A failover and a lost connection do not end the service.
  const switched = switchTo(client, 'west');
  await east.kill();
  await switched;
  await west.command('CLIENT', 'KILL', 'TYPE', 'normal');
  expect(await duplicate.ping()).toBe('PONG');
  expect(told.map(({ story }) => story)).toEqual([['ready'], ['ready']]);

  for (let round = 0; round < 2; round += 1) {
    await west.kill();
    await waitFor(() => clients.every((each) => !each.isReady), { what: 'the end of service' });
    expect(await errorOf(client.ping())).toMatchObject({
      code: expect.stringMatching(/UNAVAILABLE/),
    });
    await west.restart();
    await waitFor(() => clients.every((each) => each.isReady), {
      what: 'service to return',
      timeoutMs: 10_000,
    });
    expect(await client.ping()).toBe('PONG');
  }
  isOver = true;
  await client.close();
  await duplicate.close();
  const expected = ['ready', 'reconnecting', 'ready', 'reconnecting', 'ready', 'end'];
  expect(told).toEqual([
    { story: expected, disagrees: [] },
    { story: expected, disagrees: [] },
  ]);
  expect([client.isOpen, client.isReady]).toEqual([false, false]);
});

it('keeps its databases and their weights over close() and connect()', async () => {
  const [east, west] = await servers();
  const client = own(createMultiDbClient({ ...QUICK, databases: databases([east]) }));
  await client.connect();
  await client.addDatabase({ id: 'added', weight: 0.1, client: { url: west.url } });
  client.setWeight('added', 2);
  await client.close();
  await client.connect();
  expect(client.activeDatabase).toBe('added');
  expect(client.getWeight('added')).toBe(2);
});

it('closes a strategy once, however it ends', async () => {
  const [east, west] = await servers();
  for (const end of ['close', 'destroy', 'destroy while connecting', 'fail'] as const) {
    let closed = 0;
    const client = clientOf(end === 'fail' ? await nowhere() : [east, west], {
      healthCheck: {
        strategy: {
          check: async (probe) => (await probe.sendCommand(['PING'])) === 'PONG',
          close: () => {
            closed += 1;
          },
        },
      },
    });
    const connecting = client.connect().catch(() => {});
    if (end === 'destroy while connecting') client.destroy();
    await connecting;
    if (end === 'close') await client.close();
    if (end === 'destroy') client.destroy();
    expect([end, closed]).toEqual([end, 1]);
  }
});
