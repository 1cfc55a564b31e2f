/** Callers that try again at once, whatever they are refused with, leave the process its event loop. */
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb';
import { beforeEach, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis, waitFor } from '../kit/index.js';
import { clientOf, connected, databases, own, recordEvents, servers } from './support.js';

/** Far more than some turns of the loop can hold; a loop that never turns would go on for ever. */
const TOO_MANY = 300_000;

type Call = (client: MultiDbClient) => Promise<unknown>;

/** How many calls were refused while another server answered three times. */
async function refusals(callers: number, call: () => Promise<unknown>): Promise<number> {
  let refused = 0;
  let isOver = false;
  const caller = async () => {
    while (!isOver && refused < TOO_MANY) {
      const isRefused = await call().then(
        () => false,
        () => true,
      );
      if (!isRefused) throw new Error('the call was not refused');
      refused += 1;
    }
  };
  const all = Promise.all(Array.from({ length: callers }, caller));
  const answers = async () => {
    for (let count = 0; count < 3; count += 1) await witness.command('PING');
    isOver = true;
  };
  await Promise.all([all, answers()]);
  return refused;
}

let witness: RedisServer;
beforeEach(async () => {
  witness = await startRedis();
});

const aborted = AbortSignal.abort();
const listener = () => {};

/** Refused by any client. */
const ALWAYS: Record<string, Call> = {
  'an aborted signal': (client) => client.withAbortSignal(aborted).get('key'),
  'a timeout that is none': (client) =>
    client.withCommandOptions({ timeout: '5s' as unknown as number }).get('key'),
  'a signal that is none': (client) => client.withAbortSignal({} as AbortSignal).get('key'),
  'a command that is refused': (client) => client.sendCommand(['SELECT', '1']),
  'no command': (client) => client.sendCommand([]),
  'a method that is refused': (client) => client.select(1),
  'MULTI with a command that is refused': (client) =>
    client.multi().addCommand(['WATCH', 'key']).exec(),
  'a pipeline with a command that is refused': (client) =>
    client.multi().addCommand(['WATCH', 'key']).execAsPipeline(),
  'arguments of transaction()': (client) => client.transaction('key', undefined as never),
  'commands after a transaction': async (client) => {
    await late.get(client)?.get('key');
  },
  'arguments of subscribe()': (client) => client.subscribe('channel', undefined as never),
  'an unknown database': (client) => client.setActiveDatabase('nowhere'),
};

/** Refused by one that is closed. */
const CLOSED: Record<string, Call> = {
  get: (client) => client.get('key'),
  'sendCommand()': (client) => client.sendCommand(['GET', 'key']),
  'multi()': (client) => client.multi().get('key').exec(),
  'transaction()': (client) => client.transaction('key', () => {}),
  'setActiveDatabase()': (client) => client.setActiveDatabase('east'),
  'addDatabase()': (client) => client.addDatabase({ client: { url: 'redis://127.0.0.1:1' } }),
};

const late = new WeakMap<MultiDbClient, { get(key: string): Promise<unknown> }>();

describe.each([1, 1000])('%i callers', (callers) => {
  it('refused by the facade, and for their arguments', async () => {
    const client = await connected(await servers());
    await client.transaction([], async (tx) => void late.set(client, tx as never));
    for (const [what, call] of Object.entries(ALWAYS)) {
      expect(await refusals(callers, () => call(client)), what).toBeLessThan(TOO_MANY);
    }
  });

  it('of a client that is closed', async () => {
    const [east] = await servers();
    const never = clientOf([east as RedisServer]);
    const closed = await connected([east as RedisServer]);
    await closed.subscribe('channel', listener);
    await closed.close();
    for (const [what, call] of Object.entries(CLOSED)) {
      expect(await refusals(callers, () => call(closed)), what).toBeLessThan(TOO_MANY);
    }
    const subscribe = () => closed.subscribe('channel', listener);
    expect(await refusals(callers, subscribe), 'subscribe()').toBeLessThan(TOO_MANY);
    expect(await refusals(callers, () => never.get('key')), 'not connected').toBeLessThan(TOO_MANY);
  });

  it('overloaded: they are served as soon as there is room', async () => {
    const [east] = await servers();
    const client = await connected([east as RedisServer], {
      maxPendingCommands: 5,
      healthCheck: false,
      suspectAfterMs: 60_000,
    });
    east?.freeze();
    const pending = Array.from({ length: 5 }, () => client.get('key'));
    expect(await refusals(callers, () => client.get('key'))).toBeLessThan(TOO_MANY);
    east?.thaw();
    let served = 0;
    const calls = Array.from({ length: callers }, async () => {
      for (let tries = 0; tries < 10_000; tries += 1) {
        const isServed = await client.get('key').then(
          () => true,
          () => false,
        );
        if (isServed) {
          served += 1;
          return;
        }
      }
    });
    await Promise.all([...pending, ...calls]);
    expect(served).toBe(callers);
  });

  it('with every database down: they are served when one is back', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west]);
    const events = recordEvents(client);
    await Promise.all([east.kill(), west.kill()]);
    await client.get('key').catch(() => {});
    await waitFor(() => events.of('all-databases-down').length > 0, { what: 'all to be down' });
    expect(await refusals(callers, () => client.get('key'))).toBeLessThan(TOO_MANY);
    const transaction = () => client.transaction('key', () => {});
    expect(await refusals(callers, transaction)).toBeLessThan(TOO_MANY);

    let isServed = false;
    const blocking = Array.from({ length: callers }, async () => {
      while (!isServed) {
        await client.blPop('jobs', 0.01).then(
          () => {
            isServed = true;
          },
          () => {},
        );
      }
    });
    await east.restart();
    await Promise.all(blocking);
    expect(client.activeDatabase).toBe('east');
  });
});

it('a cursor of another database', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { failbackSupported: false });
  for (let index = 0; index < 100; index += 1) await client.set(`key:${index}`, '');
  const { cursor } = await client.scan('0', { COUNT: 5 });
  await client.setActiveDatabase('west');
  expect(await refusals(1, () => client.scan(cursor))).toBeLessThan(TOO_MANY);
});

it('a refusal reaches its caller before close() resolves', async () => {
  const [east] = await servers();
  const client = own(createMultiDbClient({ databases: databases([east as RedisServer]) }));
  await client.connect();
  const story: string[] = [];
  const call = client.sendCommand(['SELECT', '1']).catch(() => story.push('refused'));
  const closed = client.close().then(() => story.push('closed'));
  await Promise.all([call, closed]);
  expect(story).toEqual(['refused', 'closed']);
});
