import { BasicCommandParser } from '@redis/client/dist/lib/client/parser.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ArgumentList } from './argument-list.js';

const argument = fc.oneof(fc.string(), fc.uint8Array().map(Buffer.from));
const oneOrMany = fc.oneof(argument, fc.array(argument, { maxLength: 5 }));
const call = fc.oneof(
  fc.tuple(fc.constant('push' as const), fc.array(argument, { maxLength: 5 })),
  fc.tuple(fc.constant('pushKey' as const), fc.tuple(argument)),
  fc.tuple(
    fc.constantFrom(
      'pushVariadic' as const,
      'pushVariadicWithLength' as const,
      'pushKeys' as const,
      'pushKeysLength' as const,
    ),
    fc.tuple(oneOrMany),
  ),
  fc.tuple(
    fc.constant('pushVariadicNumber' as const),
    fc.tuple(fc.oneof(fc.integer(), fc.array(fc.integer(), { maxLength: 5 }))),
  ),
);

it('collects the same arguments as the parser of node-redis, also after they were read', () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 6 }), fc.nat(6), (calls, readAt) => {
      const theirs = new BasicCommandParser();
      const ours = new ArgumentList();
      for (const [index, [member, given]] of calls.entries()) {
        if (index === readAt) expect(ours.redisArgs).toEqual(theirs.redisArgs);
        for (const parser of [theirs, ours]) {
          (parser[member] as (...values: readonly unknown[]) => void)(...given);
        }
      }
      expect(ours.redisArgs).toEqual(theirs.redisArgs);
    }),
  );
});

it('can be used again for another command', () => {
  fc.assert(
    fc.property(fc.array(fc.array(argument, { maxLength: 6 }), { maxLength: 4 }), (commands) => {
      const list = new ArgumentList();
      for (const args of commands) {
        list.push(...args);
        list.preserve = args;
        expect(list.take()).toEqual(args);
        expect(list.preserve).toBeUndefined();
      }
      expect(list.redisArgs).toEqual([]);
    }),
  );
});

it('throws where a command asks for its keys, so that node-redis has to collect them', () => {
  const list = new ArgumentList();
  list.push('GET');
  list.pushKey('key');
  expect(() => list.keys).toThrow(TypeError);
  expect(() => list.firstKey).toThrow(TypeError);
});
