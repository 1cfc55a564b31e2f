/** Nothing stays behind, and nothing keeps a process alive that only watches. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { createMultiDbClient } from 'redis-multidb';
import { expect, it, vi } from 'vitest';
import { expectNoLeaks, freePort, waitFor } from '../kit/index.js';
import {
  active,
  clientOf,
  connected,
  connections,
  databases,
  errorOf,
  QUICK,
  servers,
} from './support.js';

/** Node.js does not tell of timers that were unref'ed: counts those that are set and not over. */
function countTimers() {
  const open = new Set<NodeJS.Timeout>();
  const set = globalThis.setTimeout;
  const clear = globalThis.clearTimeout;
  const setSpy = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((
    callback: (...args: unknown[]) => void,
    ms: number,
    ...args: unknown[]
  ) => {
    const timer = set(() => {
      open.delete(timer);
      callback(...args);
    }, ms);
    open.add(timer);
    return timer;
  }) as never);
  const clearSpy = vi.spyOn(globalThis, 'clearTimeout').mockImplementation(((
    timer: NodeJS.Timeout,
  ) => {
    open.delete(timer);
    clear(timer);
  }) as never);
  return {
    get open() {
      return open.size;
    },
    stop() {
      setSpy.mockRestore();
      clearSpy.mockRestore();
    },
  };
}

it.each(['close', 'destroy'] as const)('leaves no handle and no timer after %s()', async (end) => {
  const [east, west] = await servers();
  await expectNoLeaks(async () => {
    const timers = countTimers();
    try {
      const client = createMultiDbClient({ ...QUICK, databases: databases([east, west]) });
      await client.connect();
      await Promise.all(Array.from({ length: 100 }, () => client.incr('counter')));
      const gets = Array.from({ length: 100 }, () => client.get('key').catch(() => {}));
      await client[end]();
      await Promise.all(gets);
      // A tick of the loop clock may be on its way; it sets no other one.
      await waitFor(() => timers.open === 0, { what: 'all timers to be over', timeoutMs: 1000 });
    } finally {
      timers.stop();
    }
  });
  for (const server of [east, west]) {
    await waitFor(async () => (await connections(server)) === 0, { what: 'no connection' });
  }
});

it('leaves nothing after a connect() that failed', async () => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  await expectNoLeaks(async () => {
    const timers = countTimers();
    try {
      const client = createMultiDbClient({ ...QUICK, databases: databases([{ url }]) });
      expect(await errorOf(client.connect())).toMatchObject({ code: 'INITIALIZATION_FAILED' });
      await waitFor(() => timers.open === 0, { what: 'all timers to be over', timeoutMs: 1000 });
    } finally {
      timers.stop();
    }
  });
});

it('leaves nothing after a failover and an outage', async () => {
  const [east, west] = await servers();
  await expectNoLeaks(async () => {
    const client = createMultiDbClient({ ...QUICK, databases: databases([east, west]) });
    await client.connect();
    await east.kill();
    await active(client as never, 'west');
    await west.kill();
    await active(client as never, undefined);
    client.destroy();
  });
});

it('adds no listener to an abort signal for longer than its command', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const { signal } = new AbortController();
  const added = vi.spyOn(signal, 'addEventListener');
  const removed = vi.spyOn(signal, 'removeEventListener');
  const view = client.withAbortSignal(signal);
  await Promise.all(Array.from({ length: 50 }, () => view.get('key')));
  expect(added).toHaveBeenCalled();
  expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
});

it('emits through listeners that can be counted and removed', async () => {
  const [east] = await servers(1);
  const client = clientOf([east]);
  const listener = () => {};
  expect(client.listenerCount('switch')).toBe(0);
  client.on('switch', listener);
  await client.connect();
  await client.close();
  expect(client.listenerCount('switch')).toBe(1);
  client.off('switch', listener);
  expect(client.eventNames()).toEqual([]);
});

/** Runs `body` in a process of its own; resolves to what it printed, once it has ended by itself. */
function inProcess(body: string, urls: readonly string[], options = {}): Promise<string> {
  const root = path.resolve(import.meta.dirname, '../..');
  const source = pathToFileURL(path.join(root, 'src/index.ts')).href;
  const script = `
    const { createMultiDbClient } = await import(${JSON.stringify(source)});
    const client = createMultiDbClient({
      ...${JSON.stringify(options)},
      healthCheck: { intervalMs: 1000, numProbes: 1 },
      databases: ${JSON.stringify(urls.map((url) => ({ client: { url } })))},
    });
    ${body}`;
  return new Promise((resolve, reject) => {
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error('the process did not end by itself'));
    }, 110_000);
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('exit', () => {
      clearTimeout(timer);
      resolve(output.trim());
    });
  });
}

it('lets a process end whose client is unref’ed, before or after connect()', async () => {
  const [east, west] = await servers();
  const urls = [east.url, west.url];
  const body = "console.log(await client.set('key', 'value')); client.unref();";
  const [before, after] = await Promise.all([
    inProcess(`client.unref(); const c = client.connect(); client.ref(); await c; ${body}`, urls),
    inProcess(`await client.connect(); ${body}`, urls),
  ]);
  expect([before, after]).toEqual(['OK', 'OK']);
});

it('keeps a process alive otherwise, until close()', async () => {
  const [east, west] = await servers();
  const body = `
    await client.connect();
    setTimeout(async () => { await client.close(); console.log('closed'); }, 300).unref();`;
  expect(await inProcess(body, [east.url, west.url])).toBe('closed');
});

it('keeps a process alive while it connects, and while everything is down', async () => {
  const [east, west] = await servers();
  const body = `
    await client.connect();
    process.kill(${east.pid}, 'SIGKILL');
    process.kill(${west.pid}, 'SIGKILL');
    client.on('all-databases-down', () => {
      setTimeout(() => { client.destroy(); console.log('destroyed'); }, 500).unref();
    });`;
  // Neither has a connection then that could keep it alive.
  const lazy = { standbyConnections: 'lazy' };
  expect(await inProcess(body, [east.url, west.url], lazy)).toBe('destroyed');
});
