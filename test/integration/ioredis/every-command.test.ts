/**
 * Every command that ioredis has a method for, on plain ioredis and on a client of several
 * databases, with the same server: results, their types, and errors of the method, of its Buffer
 * variant, in a pipeline, and in a transaction.
 */
import { inspect, isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { isRedis7 } from '../../kit/index.js';
import { servers } from '../support.js';
import {
  BY_TYPE,
  type Call,
  callOf,
  FIXTURE,
  HARMFUL,
  LONELY,
  ORDINARY,
  PAIRS_OF_UPPER_CASE,
  REFUSED,
  REFUSED_IN_TRANSACTIONS,
} from './command-calls.js';
import { LIBRARIES, plainOf, readyRedis } from './support.js';

// biome-ignore lint/suspicious/noExplicitAny: the calls of a JavaScript application, types aside.
type Client = any;
type Form = (redis: Client, call: Call) => unknown;

const upper = (call: Call) => [call.name.toUpperCase(), ...call.args];

const FORMS: Readonly<Record<string, Form>> = {
  string: (redis, { name, args }) => redis[name](...args),
  buffer: (redis, { name, args }) => redis[`${name}Buffer`](...args),
  call: (redis, call) => redis.call(...upper(call)),
  binary: (redis, { name, args }) => redis[name](...args.map((each) => Buffer.from(each))),
  pipeline: (redis, { name, args }) =>
    redis
      .pipeline()
      [name](...args)
      .exec(),
  'pipeline of Buffers': (redis, { name, args }) =>
    redis
      .pipeline()
      [`${name}Buffer`](...args)
      .exec(),
  transaction: (redis, { name, args }) =>
    redis
      .multi()
      [name](...args)
      .exec(),
  'transaction of Buffers': (redis, { name, args }) =>
    redis
      .multi()
      [`${name}Buffer`](...args)
      .exec(),
};

const formsOf = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, FORMS[name] as Form]));

/** Whether the documentation says that this form of the call differs. */
function isException({ text: line }: Call, form: string, Class: Client): boolean {
  if (form.startsWith('transaction')) return Object.hasOwn(REFUSED_IN_TRANSACTIONS, line);
  const isVersion6 = 'setReplyContext' in Class.Command.prototype;
  return form === 'call' && isVersion6 && PAIRS_OF_UPPER_CASE.includes(line);
}

function comparable(value: unknown, Class: Client): unknown {
  if (value instanceof Error) {
    const { name, message, command, previousErrors } = value as Error & Record<string, unknown>;
    return {
      name,
      message,
      command,
      previousErrors: comparable(previousErrors, Class),
      isReply: value instanceof Class.ReplyError,
    };
  }
  return Array.isArray(value) ? value.map((each) => comparable(each, Class)) : value;
}

function typesOf(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((each) => inspect(typesOf(each))))].sort();
  return Buffer.isBuffer(value) ? 'Buffer' : value === null ? 'null' : typeof value;
}

const text = (value: unknown) =>
  inspect(value, { depth: 6, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 200 });

async function outcome(run: () => unknown, Class: Client): Promise<unknown> {
  try {
    return comparable(await run(), Class);
  } catch (error) {
    return { rejected: comparable(error, Class) };
  }
}

describe.each(LIBRARIES)('%s', (_, Class) => {
  it('gives the same result for every command', async () => {
    const [east, west] = await servers();
    const plain = plainOf(Class, east);
    const redis = await readyRedis([east, west], { Redis: Class });
    const different: string[] = [];

    const compare = async (call: Call, of: { plain: Client; ours: Client }, forms = FORMS) => {
      const results: Record<string, unknown>[] = [];
      for (const client of [of.plain, of.ours]) {
        await plain.flushall();
        await plain.pipeline(FIXTURE.map((line) => line.split(' '))).exec();
        // In one turn, which both clients send in this order.
        const running = Object.entries(forms).map(async ([form, run]) => {
          const result = await outcome(() => run(client, call), Class);
          return [form, BY_TYPE.has(call.text) ? typesOf(result) : result] as const;
        });
        results.push(Object.fromEntries(await Promise.all(running)));
      }
      for (const form of Object.keys(forms)) {
        const [expected, received] = results.map((each) => each[form]);
        const isEqual = isDeepStrictEqual(received, expected);
        if (isEqual !== isException(call, form, Class)) continue;
        different.push(
          `${call.text} (${form})\n  plain: ${text(expected)}\n  ours:  ${text(received)}`,
        );
      }
    };

    const of = { plain, ours: redis };
    for (const call of ORDINARY) {
      if (!(call.name in plain)) continue;
      await compare(call, of);
      if (call.args.length === 0) continue;
      const bare = { ...call, text: `${call.name} without arguments`, args: [] };
      await compare(bare, of, formsOf(['string', 'transaction']));
    }
    const hasShardedPubSub = await isRedis7();
    for (const call of LONELY) {
      if (!(call.name in plain)) continue;
      if (/^s(un)?subscribe$/.test(call.name) && !hasShardedPubSub) continue;
      for (const form of ['string', 'buffer']) {
        const alone = { plain: plainOf(Class, east), ours: redis.duplicate() };
        await compare(call, alone, formsOf([form]));
        alone.plain.disconnect();
        alone.ours.disconnect();
      }
    }
    expect(different).toEqual([]);
  });

  it('refuses the exceptions, and no other command', async () => {
    const [east, west] = await servers();
    const redis = await readyRedis([east, west], { Redis: Class });
    const accepted: string[] = [];
    for (const call of Object.keys(REFUSED).map(callOf)) {
      const unsupported = (error: Error) => error.name === 'UnsupportedError' || text(error);
      const forms = [FORMS.string, FORMS.buffer, FORMS.call] as Form[];
      const has = typeof (redis as Client)[call.name] === 'function';
      if (!has) continue;
      for (const form of forms) {
        const seen = await Promise.resolve(form(redis, call)).then(() => 'accepted', unsupported);
        if (seen !== true) accepted.push(`${call.text}: ${seen}`);
      }
    }
    expect(accepted).toEqual([]);
  });

  it('has a call for every command of the library', () => {
    const plain: Redis = new Class({ lazyConnect: true });
    const called = new Set([...ORDINARY, ...LONELY].map(({ name }) => name));
    for (const line of Object.keys(REFUSED)) called.add(line.split(' ')[0] as string);
    const missing = plain
      .getBuiltinCommands()
      .filter((name) => !called.has(name) && !Object.hasOwn(HARMFUL, name));
    expect(missing).toEqual([]);
  });
});
