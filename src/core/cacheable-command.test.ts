import { describe, expect, it } from 'vitest';
import { CACHEABLE_COMMANDS, isCacheable, mayWriteOtherKeys } from './cacheable-command.js';
import { commandTraits } from './command-category.js';

describe('what may be cached', () => {
  it('is read, and known', () => {
    for (const name of CACHEABLE_COMMANDS) {
      expect([name, commandTraits([name, 'k'])]).toEqual([
        name,
        { category: 'read', blockMs: undefined },
      ]);
    }
  });

  it.each(['GET', 'get', 'hGetAll', Buffer.from('zRange')])('%s is', (name) => {
    expect(isCacheable([name, 'k'])).toBe(true);
  });

  it.each([
    'TTL',
    'PTTL',
    'HTTL',
    'OBJECT',
    'XPENDING',
    'XINFO',
    'XREAD',
    'SORT_RO',
    'SRANDMEMBER',
    'HRANDFIELD',
    'ZRANDMEMBER',
    'EVAL_RO',
    'EVALSHA_RO',
    'FCALL_RO',
    'TOUCH',
    'MEMORY',
    'HSCAN',
    'SSCAN',
    'ZSCAN',
    'DUMP',
    'SORT',
    'GETEX',
    'TS.GET',
    'MY.MODULE',
    '',
  ])('%s is not', (name) => {
    expect(isCacheable([name, 'k'])).toBe(false);
  });
});

it.each(['EVAL', 'evalsha', 'FCALL', 'TS.ADD', 'MY.MODULE'])('%s may write other keys', (name) => {
  expect(mayWriteOtherKeys([name, 'k'])).toBe(true);
});

it.each(['SET', 'mset', 'SORT', 'COPY', 'XGROUP', 'LMOVE', 'EVAL_RO', 'JSON.MSET'])(
  '%s writes what stands in it',
  (name) => {
    expect(mayWriteOtherKeys([name, 'k'])).toBe(false);
  },
);
