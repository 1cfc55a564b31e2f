/** Where keys stand in commands, against what a real server says (`REDIS_SERVER=path`: of another version). */
import { beforeAll, describe, expect, it } from 'vitest';
import { firstKey } from '../../src/core/command-keys.js';
import { hashSlot } from '../../src/core/hash-slot.js';
import { type RedisServer, startRedis } from '../kit/index.js';

interface Listed {
  readonly words: string[];
  readonly flags: readonly string[];
  readonly firstKey: number;
}

const listed: Listed[] = [];
let server: RedisServer;

function collect(command: unknown): void {
  const [name, , flags, first, , , , , , subcommands] = command as [
    string,
    number,
    string[],
    number,
    ...unknown[],
  ];
  const own = { words: name.toUpperCase().split('|'), flags, firstKey: first };
  if (Array.isArray(subcommands) && subcommands.length > 0) subcommands.forEach(collect);
  else listed.push(own);
}

beforeAll(async () => {
  server = await startRedis({ config: { 'cluster-enabled': true } });
  for (const command of (await server.command('COMMAND')) as unknown[]) collect(command);
});

/** The command with a different word at each place. */
const filled = ({ words }: Listed) => [
  ...words,
  ...Array.from({ length: 8 }, (_, index) => `arg${index + words.length}`),
];

describe('firstKey', () => {
  it('agrees with COMMAND wherever the place is fixed', () => {
    expect(listed.length).toBeGreaterThan(200);
    const differing = listed
      .filter(({ flags, words }) => !flags.includes('movablekeys') && words[0] !== 'PUBLISH')
      .filter((each) => {
        const key = firstKey(filled(each));
        return key !== (each.firstKey === 0 ? undefined : `arg${each.firstKey}`);
      })
      .map(({ words }) => words.join('|'))
      // Browsers; a channel, which routes like a key; what a subcommand of its own names.
      .filter((name) => !['HOST:', 'POST', 'DEBUG', 'SPUBLISH'].includes(name));
    expect(differing).toEqual([]);
  });

  it.for([
    ['EVAL', 'return 1', 2, 'a', 'b'],
    ['EVALSHA', 'abc', 1, 'a'],
    ['EVAL_RO', 'return 1', 1, 'a'],
    ['FCALL', 'f', 1, 'a'],
    ['XREAD', 'COUNT', 1, 'STREAMS', 'a', 'b', 0, 0],
    ['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', 1, 'STREAMS', 'a', '>'],
    ['ZUNION', 2, 'a', 'b'],
    ['ZINTER', 2, 'a', 'b'],
    ['ZDIFF', 2, 'a', 'b'],
    ['ZUNIONSTORE', 'a', 2, 'b', 'c'],
    ['ZINTERSTORE', 'a', 2, 'b', 'c'],
    ['ZDIFFSTORE', 'a', 2, 'b', 'c'],
    ['ZINTERCARD', 2, 'a', 'b'],
    ['SINTERCARD', 2, 'a', 'b'],
    ['LMPOP', 2, 'a', 'b', 'LEFT'],
    ['ZMPOP', 2, 'a', 'b', 'MIN'],
    ['BLMPOP', 0, 2, 'a', 'b', 'LEFT'],
    ['BZMPOP', 0, 2, 'a', 'b', 'MIN'],
    ['MIGRATE', 'h', 1, 'a', 0, 10],
    ['MIGRATE', 'h', 1, '', 0, 10, 'KEYS', 'a', 'b'],
    ['SORT', 'a', 'BY', 'nosort', 'STORE', 'b'],
    ['GEORADIUS', 'a', 1, 1, 1, 'm', 'STORE', 'b'],
    ['MEMORY', 'USAGE', 'a'],
  ])('agrees with COMMAND GETKEYS on %s', async (words, { skip }) => {
    const args = words.map(String);
    skip(!listed.some((each) => each.words[0] === args[0]), 'this server does not have it');
    const keys = (await server.command('COMMAND', 'GETKEYS', ...args)) as string[];
    // Redis 6 lists the target behind the sources.
    if (String(args[0]).endsWith('STORE')) expect(keys).toContain(firstKey(args));
    else expect(firstKey(args)).toBe(keys[0]);
  });
});

describe('hashSlot', () => {
  it.each(['', 'a', 'foo', '{user}x', '{}x', 'a{}{b}', '{a}{b}', 'a{b', 'ü{ß}', 'a}b{c}'])(
    'agrees with CLUSTER KEYSLOT on %j',
    async (key) => {
      expect(hashSlot(key)).toBe(await server.command('CLUSTER', 'KEYSLOT', key));
    },
  );
});
