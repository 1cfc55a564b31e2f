/** How replies and errors reach the promise of a node-redis method, whichever way it goes. */
import { channel } from 'node:diagnostics_channel';
import { AbortError, RESP_TYPES } from '@redis/client';
import { ClientClosedError, OverloadedError } from 'redis-multidb';
import { expect, it, vi } from 'vitest';
import { sleep, waitFor } from '../kit/index.js';
import { connected, servers } from './support.js';

const REPLIES = 'node-redis:command:reply';

it('a method returns a native promise, with a reply to transform or without', async () => {
  const client = await connected(await servers());
  const got = client.get('missing');
  const all = client.hGetAll('missing');
  for (const promise of [got, all]) expect(Object.getPrototypeOf(promise)).toBe(Promise.prototype);
  expect(await got).toBe(null);
  expect({ ...(await all) }).toEqual({});
});

it('a method of a command does not pass the seam of node-redis, whatever its first call was', async () => {
  const client = await connected(await servers());
  const { _self } = client as unknown as { _self: { _executeCommand: unknown } };
  const seam = vi.spyOn(_self as { _executeCommand(): unknown }, '_executeCommand');
  await expect(client.lPush('list', undefined as never)).rejects.toThrow(TypeError);
  seam.mockClear();
  expect(await client.lPush('list', ['a', 'b', 'c'])).toBe(3);
  expect(await client.lRange('list', 0, -1)).toEqual(['c', 'b', 'a']);
  expect(await client.zAdd('set', { score: 1.5, value: 'one' })).toBe(1);
  expect(await client.zRangeWithScores('set', 0, -1)).toEqual([{ score: 1.5, value: 'one' }]);
  expect(seam).not.toHaveBeenCalled();
});

it('an argument may send commands of its own while it is read', async () => {
  const client = await connected(await servers());
  await client.set('key', 'value');
  await client.expire('key', 100);
  const inner: Promise<unknown>[] = [];
  const seconds = {
    toString() {
      inner.push(client.set('other', 'inner'), client.expire('missing', 50));
      return '200';
    },
  };
  expect(await client.expire('key', seconds as never)).toBe(1);
  expect(await Promise.all(inner)).toEqual(['OK', 0]);
  expect(await client.ttl('key')).toBeGreaterThan(150);
  expect(await client.get('other')).toBe('inner');
  const failing = {
    toString() {
      inner.push(client.get('other'));
      throw new Error('no text');
    },
  };
  await expect(client.expire('key', failing as never)).rejects.toThrow('no text');
  expect(await inner[2]).toBe('inner');
  expect(await client.get('key')).toBe('value');
});

it('an endless recursion that is caught leaves no command pending', async () => {
  const client = await connected(await servers());
  // As in a running service, whose functions are optimized.
  for (let warm = 0; warm < 20; warm += 1) {
    await Promise.all(Array.from({ length: 1000 }, () => client.get('key')));
  }
  const walk = (): void => {
    client.get('key').catch(() => {});
    walk();
  };
  for (let round = 0; round < 10; round += 1) {
    expect(walk).toThrow(RangeError);
    await sleep(20);
  }
  await client.get('key');
  await waitFor(() => client.stats().pending === 0, { what: 'no pending command' });
  await client.close();
});

it('commands at the end of a recursion that is caught keep no later ones from settling', async () => {
  const client = await connected(await servers(), {
    ...{ suspectAfterMs: 60_000, commandTimeoutMs: 60_000, commandDeadlineMs: 60_000 },
    healthCheck: { intervalMs: 5000, timeoutMs: 1000 },
  });
  const aborted = client.withCommandOptions({ abortSignal: AbortSignal.abort() });
  for (let warm = 0; warm < 2000; warm += 1) await client.get('key');
  let pending = 0;
  for (let round = 0; round < 10; round += 1) {
    let sent = 0;
    const settled = () => {
      pending -= 1;
    };
    // Each frame that is left gives the next command a little more of the stack.
    const walk = (): void => {
      try {
        walk();
      } catch (error) {
        sent += 1;
        if (sent > 60) throw error;
        pending += 1;
        try {
          client.get('key').then(settled, settled);
        } catch {
          pending -= 1;
        }
        throw error;
      }
    };
    expect(walk).toThrow(RangeError);
    await sleep(0);
    expect(await client.echo('hello')).toBe('hello');
    await expect(aborted.get('key')).rejects.toThrow('aborted');
  }
  await waitFor(() => pending === 0, { what: 'no pending command' });
  await client.close();
});

it('settles a command whose signal can not be listened to any less', async () => {
  const client = await connected(await servers());
  const { signal } = new AbortController();
  signal.removeEventListener = () => {
    throw new Error('not supported');
  };
  const view = client.withCommandOptions({ abortSignal: signal });
  expect(await view.get('key')).toBeNull();
  expect({ ...(await view.hGetAll('key')) }).toEqual({});
});

it('rejects where an error of the caller can not be handled', async () => {
  const client = await connected(await servers());
  const trap = () => {
    throw new Error('a trap');
  };
  const hostile = new Proxy(new Error('hostile'), { get: trap, has: trap, getPrototypeOf: trap });
  const abortSignal = Object.assign(new EventTarget(), {
    aborted: false,
    addEventListener() {
      throw hostile;
    },
  });
  const view = client.withCommandOptions({ abortSignal: abortSignal as never });
  for (const call of [() => view.get('key'), () => view.hGetAll('key')]) {
    const sent = call();
    expect(Object.getPrototypeOf(sent)).toBe(Promise.prototype);
    await expect(sent).rejects.toThrow('a trap');
  }
  expect(client.stats().pending).toBe(0);
});

it('rejects what is aborted, refused or closed in the very turn of the call', async () => {
  const client = await connected(await servers(), { maxPendingCommands: 2 });
  const controller = new AbortController();
  const aborted = client.withAbortSignal(controller.signal).get('key');
  controller.abort();
  await expect(aborted).rejects.toThrow(AbortError);

  const accepted = [client.get('key'), client.get('key')];
  await expect(client.get('key')).rejects.toThrow(OverloadedError);
  await Promise.all(accepted);

  const pending = client.get('key');
  client.destroy();
  await expect(pending).rejects.toThrow(ClientClosedError);
  await expect(client.get('key')).rejects.toThrow('The client is closed');
});

it('callers hear in the order of the replies, whether these are to be transformed or not', async () => {
  const client = await connected(await servers());
  const heard: string[] = [];
  const note = (what: string) => () => void heard.push(what);
  await client.get('key');
  await Promise.all([
    client.hGetAll('hash').then(note('hGetAll')),
    client.get('key').then(note('get')),
    client.scan('0').then(note('scan')),
    client.hGet('key', 'field').then(note('hGet')),
    client.lPop('list').then(note('lPop')),
    client.configGet('port').then(note('configGet')),
    client.exists('key').then(note('exists')),
  ]);
  const commands = ['hGetAll', 'get', 'scan', 'hGet', 'lPop', 'configGet', 'exists'];
  expect(heard).toEqual(commands);
});

it('rejects with what a transformation throws, and goes on', async () => {
  const read = {
    parseCommand: (parser: { push(...args: string[]): void }) => parser.push('PING'),
    transformReply: () => {
      throw new RangeError('no');
    },
  };
  const modules = { own: { read } };
  const client = await connected(await servers(), { client: { modules } } as never);
  const { own } = client as unknown as { own: { read(): Promise<unknown> } };
  const [failed, echoed] = [own.read(), client.echo('mine')];
  await expect(failed).rejects.toThrow(RangeError);
  expect(await echoed).toBe('mine');
  expect(client.stats().pending).toBe(0);
});

it('encodes arguments when it is called, and tells bad ones as a rejection', async () => {
  const client = await connected(await servers());
  const bad = client.set('key', undefined as never);
  await expect(bad).rejects.toThrow(TypeError);
  await expect(client.get({} as never)).rejects.toThrow(TypeError);
  expect(await client.ping()).toBe('PONG');
});

it('replies are published on the channel of node-redis while somebody listens', async () => {
  const client = await connected(await servers());
  const heard: unknown[] = [];
  const listener = (message: unknown) => heard.push(message);
  channel(REPLIES).subscribe(listener);
  try {
    await client.set('key', 'value');
    await client.get('key');
  } finally {
    channel(REPLIES).unsubscribe(listener);
  }
  await client.get('key');
  expect(heard).toMatchObject([{ reply: 'OK' }, { reply: 'value' }]);
});

it('views, type mappings and modules of a user get what they ask for', async () => {
  const client = await connected(await servers(), {
    client: {
      modules: {
        own: {
          read: {
            parseCommand(parser: { push(...args: string[]): void }, key: string) {
              parser.push('GET', key);
            },
            transformReply: undefined as never,
          },
          shout: {
            parseCommand(parser: { push(...args: string[]): void }, key: string) {
              parser.push('GET', key);
            },
            transformReply: (reply: string) => reply.toUpperCase(),
          },
        },
      },
    },
  } as never);
  await client.set('key', 'value');
  const { own } = client as unknown as {
    own: Record<'read' | 'shout', (key: string) => Promise<unknown>>;
  };
  expect(await own.read('key')).toBe('value');
  expect(await own.shout('key')).toBe('VALUE');
  const buffers = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  expect(await buffers.get('key')).toEqual(Buffer.from('value'));
});

it('refuses what a module of the user encodes to nothing: no server would answer', async () => {
  const encode = { parseCommand() {}, transformReply: undefined as never };
  const modules = { own: { nothing: encode } };
  const client = await connected(await servers(), { client: { modules } } as never);
  const { own } = client as unknown as { own: { nothing(): Promise<unknown> } };
  const refused = own.nothing();
  const echoed = client.echo('mine');
  await expect(refused).rejects.toThrow(TypeError);
  expect(await echoed).toBe('mine');
  expect(client.stats().pending).toBe(0);
});
