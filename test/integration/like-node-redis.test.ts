/**
 * The same calls, one after the other, on a plain client of node-redis and on ours: the same results,
 * errors and events, but for what docs/compatibility.md declares.
 */
import { EventEmitter } from 'node:events';
import * as library from '@redis/client';
import { createClient, RESP_TYPES } from '@redis/client';
import { expect, it } from 'vitest';
import { clientOf, own, servers } from './support.js';

type Client = ReturnType<typeof createClient>;
type Step = (client: Client) => unknown;

/** Before `connect()`, open, and after each way to end it. */
const LIFE: Readonly<Record<string, Step>> = {
  'isOpen and isReady, at first': (client) => [client.isOpen, client.isReady],
  'a command before connect()': (client) => client.get('key'),
  'unref() and ref() before connect()': (client) => [client.unref(), client.ref()],
  'isOpen within connect()': (client) => {
    const connecting = client.connect();
    const { isOpen } = client;
    return connecting.then((connected) => [isOpen, connected === client]);
  },
  'isOpen and isReady': (client) => [client.isOpen, client.isReady],
  'isOpen and isReady within close()': (client) => {
    const closing = client.close();
    const state = [client.isOpen, client.isReady];
    return Promise.resolve(closing).then(() => state);
  },
  'a command after close()': (client) => client.get('key'),
  'a transaction after close()': (client) => client.multi().get('key').exec(),
  'connect() after close()': (client) => client.connect().then(() => client.isReady),
  'close() while a command is pending': async (client) => {
    const popping = client.blPop('nothing', 0.2);
    const closing = client.close();
    const state = [client.isOpen, client.isReady, await outcomeOf(() => client.get('key'))];
    return [...state, await popping, await closing];
  },
  'connect() once more': (client) => client.connect().then(() => client.isReady),
  'quit()': (client) => client.quit(),
  'isOpen after quit()': (client) => [client.isOpen, client.isReady],
  'connect() after quit()': (client) => client.connect().then(() => client.isReady),
  'destroy() while a command is pending': async (client) => {
    const popping = outcomeOf(() => client.blPop('nothing', 0));
    client.destroy();
    return [client.isOpen, client.isReady, await popping];
  },
  'connect() after destroy()': (client) => client.connect().then(() => client.isReady),
};

const COMMANDS: Readonly<Record<string, Step>> = {
  flushAll: (client) => client.flushAll(),
  'set and get': async (client) => [await client.set('key', 'value'), await client.get('key')],
  'set without a value': (client) => client.set('key', undefined as never),
  'get without a key': (client) => client.get(undefined as never),
  'get of a number': (client) => client.get(5 as never),
  'sendCommand()': (client) => client.sendCommand(['ECHO', 'text']),
  'sendCommand() with a number': (client) => client.sendCommand(['SET', 'key', 5 as never]),
  'sendCommand() with a Buffer': (client) => client.sendCommand(['ECHO', Buffer.from('text')]),
  'an unknown command': (client) => client.sendCommand(['NOSUCH']),
  'a wrong type': (client) => client.lPush('key', 'item'),
  'an error in a script': (client) => client.eval('return redis.error_reply("MINE text")'),
  'a script that is not known': (client) => client.evalSha('0'.repeat(40)),
  'a nested reply': (client) => client.eval('return {1,{"two",false},3}'),
  'multi()': (client) => client.multi().set('a', '1').get('a').incr('a').exec(),
  'multi() without commands': (client) => client.multi().exec(),
  'multi() with an error': (client) => client.multi().get('key').lPush('key', 'x').exec(),
  'multi() with an unknown command': (client) => client.multi().addCommand(['NOSUCH']).exec(),
  'execTyped()': (client) => client.multi().get('a').execTyped(),
  pipeline: (client) => client.multi().get('a').hGetAll('none').execAsPipeline(),
  'pipeline without commands': (client) => client.multi().execAsPipeline(),
  'pipeline with an error': (client) => client.multi().get('a').lPush('a', 'x').execAsPipeline(),
  'a type mapping': (client) =>
    client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).get('key'),
  'an aborted signal': (client) => client.withAbortSignal(AbortSignal.abort()).get('key'),
  'asap()': (client) => client.asap().get('key'),
  'a blocking command': (client) => client.blPop('nothing', 0.05),
  hashes: async (client) => [
    await client.hSet('hash', { a: 1, b: 'text' }),
    await client.hGetAll('hash'),
    await client.hmGet('hash', ['a', 'none']),
    await client.hIncrByFloat('hash', 'a', 1.5),
  ],
  'sorted sets': async (client) => [
    await client.zAdd('zset', [
      { score: 1, value: 'a' },
      { score: Number.POSITIVE_INFINITY, value: 'b' },
    ]),
    await client.zRangeWithScores('zset', 0, -1),
    await client.zScore('zset', 'none'),
  ],
  streams: async (client) => [
    await client.xAdd('stream', '1-1', { field: 'value' }),
    await client.xRead({ key: 'stream', id: '0' }),
    await client.xRead({ key: 'stream', id: '9' }),
    await client.xGroupCreate('stream', 'group', '0'),
    await client.xReadGroup('group', 'me', { key: 'stream', id: '>' }),
  ],
  geo: async (client) => [
    await client.geoAdd('geo', { member: 'a', longitude: 13.361389, latitude: 38.115556 }),
    await client.geoPos('geo', ['a', 'none']),
  ],
  'keys and expiry': async (client) => [
    await client.exists(['key', 'none']),
    await client.expire('key', 100),
    await client.ttl('key'),
    await client.type('key'),
    await client.del('none'),
    await client.copy('key', 'copied'),
  ],
  iterators: async (client) => {
    const keys: string[] = [];
    for await (const page of client.scanIterator({ MATCH: '*a*' })) keys.push(...page);
    const fields: unknown[] = [];
    for await (const page of client.hScanIterator('hash')) fields.push(...page);
    return [keys.sort(), fields];
  },
  configuration: async (client) => [
    await client.configGet('maxmemory-policy'),
    await client.configSet('maxmemory-policy', 'noeviction'),
    await client.clientGetName(),
    typeof (await client.clientId()),
    typeof (await client.time()),
    await client.dbSize(),
  ],
  'pub/sub': async (client) => {
    const messages: unknown[] = [];
    const all = () => messages.length;
    const subscribed = client.duplicate();
    await subscribed.connect();
    const results = [
      await subscribed.subscribe('channel', (...message) => void messages.push(message)),
      await subscribed.pSubscribe('pat*', (...message) => void messages.push(message), true),
      subscribed.isPubSubActive,
      await client.publish('channel', 'text'),
      await client.publish('pattern', 'text'),
    ];
    while (all() < 2) await new Promise((resolve) => setImmediate(resolve));
    results.push(await subscribed.unsubscribe('channel'), await subscribed.pUnsubscribe());
    results.push(subscribed.isPubSubActive, await subscribed.close());
    return [results, messages];
  },
  'what it is': (client) => [
    client instanceof EventEmitter,
    client.constructor.name,
    // Where node-redis counts the listeners of a view, apart from those of the client.
    Object.keys(client).filter((key) => key !== '_eventsCount'),
    Object.prototype.toString.call(client),
  ],
  duplicate: (client) => [client.duplicate().isOpen, client.duplicate() === client],
  legacy: async (client) => {
    const legacy = client.legacy();
    const called = (...args: unknown[]) =>
      new Promise((resolve) => {
        (legacy as unknown as Record<string, (...all: unknown[]) => void>).set?.(
          ...args,
          (...results: unknown[]) => resolve(results.map(shown)),
        );
      });
    return [await called('key', 'value'), await called('key')];
  },
};

/** Idempotent on purpose: docs/compatibility.md. */
const IDEMPOTENT: Readonly<Record<string, { readonly step: Step; readonly value: unknown }>> = {
  'close() before connect()': { step: (client) => client.close(), value: undefined },
  'destroy() before connect()': { step: (client) => client.destroy(), value: undefined },
  'quit() before connect()': { step: (client) => client.quit(), value: 'OK' },
  'connect() when it is open': {
    step: async (client) =>
      [await client.connect(), await client.connect()].map((c) => c === client),
    value: [true, true],
  },
  'close() again': {
    step: async (client) => [await client.close(), await client.close()],
    value: [undefined, undefined],
  },
  'destroy() when it is closed': { step: (client) => client.destroy(), value: undefined },
  'disconnect() when it is closed': { step: (client) => client.disconnect(), value: undefined },
  'quit() when it is closed': { step: (client) => client.quit(), value: 'OK' },
};

const EVENTS = ['connect', 'ready', 'reconnecting', 'error', 'end', 'terminated'];
type ErrorClass = abstract new (...args: never[]) => Error;
const ERROR_CLASSES = Object.entries(library as unknown as Record<string, ErrorClass>)
  .filter(([name]) => name.endsWith('Error') || name === 'ErrorReply')
  .map(([, each]) => each);

/** An error by its text and by node-redis's classes that it is `instanceof`. */
function shown(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const classes = ERROR_CLASSES.filter((each) => value instanceof each).map(({ name }) => name);
  return { error: value.message, isTypeError: value instanceof TypeError, classes };
}

async function outcomeOf(step: () => unknown): Promise<unknown> {
  try {
    const result = step();
    const isPromise = result instanceof Promise;
    return { isPromise, value: await result };
  } catch (error) {
    return shown(error);
  }
}

async function pair() {
  const [east] = await servers(1);
  const plain = createClient({ url: east.url });
  own({ destroy: () => void (plain.isOpen && plain.destroy()) });
  const client = clientOf([east]) as unknown as Client;
  return { plain: recorded(plain as unknown as Client), client: recorded(client) };
}

function recorded(client: Client) {
  const events: string[] = [];
  for (const name of EVENTS) client.on(name, () => void events.push(name));
  return {
    client,
    /** The outcome of a step, and the events that it led to. */
    async run(step: Step) {
      const outcome = await outcomeOf(() => step(client));
      return { outcome, events: events.splice(0) };
    },
  };
}

it('lives the same life', async () => {
  const { plain, client } = await pair();
  for (const [name, step] of Object.entries(LIFE)) {
    const expected = await plain.run(step);
    expect([name, await client.run(step)]).toEqual([name, expected]);
  }
});

it('answers commands with the same results, types and errors', async () => {
  const { plain, client } = await pair();
  await Promise.all([plain.client.connect(), client.client.connect()]);
  const expected = new Map<string, unknown>();
  // One after the other: both work on the same data.
  for (const [name, step] of Object.entries(COMMANDS)) {
    expected.set(name, (await plain.run(step)).outcome);
  }
  for (const [name, step] of Object.entries(COMMANDS)) {
    expect([name, (await client.run(step)).outcome]).toEqual([name, expected.get(name)]);
  }
});

it('may be connected and closed again and again, unlike node-redis', async () => {
  const { client } = await pair();
  for (const [name, { step, value }] of Object.entries(IDEMPOTENT)) {
    const { outcome } = await client.run(step);
    expect([name, outcome]).toEqual([name, { isPromise: !name.startsWith('destroy'), value }]);
  }
});
