import { describe, expect, it } from 'vitest';
import { firstKey, splittableKeys } from './command-keys.js';

const of = (line: string) => firstKey(line.split(' ').map((word) => (word === '""' ? '' : word)));

describe('firstKey', () => {
  it.each([
    ['GET k', 'k'],
    ['set k v', 'k'],
    ['EVAL return 2 a b c', 'a'],
    ['EVALSHA abc 0 x', undefined],
    ['FCALL f 1 a', 'a'],
    ['XREAD COUNT 5 BLOCK 0 STREAMS a b 0 0', 'a'],
    ['XREADGROUP GROUP STREAMS me COUNT 1 STREAMS a >', 'a'],
    ['ZUNION 2 a b', 'a'],
    ['ZUNIONSTORE d 2 a b', 'd'],
    ['SINTERCARD 2 a b', 'a'],
    ['BLMPOP 0 2 a b LEFT', 'a'],
    ['LMPOP 1 a LEFT', 'a'],
    ['BITOP AND d a b', 'd'],
    ['OBJECT ENCODING k', 'k'],
    ['OBJECT HELP', undefined],
    ['MEMORY USAGE k', 'k'],
    ['MEMORY STATS', undefined],
    ['XINFO STREAM k', 'k'],
    ['MIGRATE h 1 k 0 100', 'k'],
    ['MIGRATE h 1 "" 0 100 KEYS a b', 'a'],
    ['SORT k STORE d', 'k'],
    ['PUBLISH c m', 'c'],
    ['PING', undefined],
    ['DBSIZE', undefined],
    ['SCAN 0', undefined],
    ['FT.SEARCH idx q', undefined],
    ['FT.SUGADD k s 1', 'k'],
    ['MSETEX 1 k v', 'k'],
    ['UNHEARD.OF k', 'k'],
    ['GET', undefined],
    ['DEBUG OBJECT k', 'k'],
    ['DEBUG SLEEP 1', undefined],
    ['MIGRATE h 1', undefined],
    ['MIGRATE h 1 "" 0 100 COPY REPLACE KEYS a', 'a'],
    ['MIGRATE h 1 "" 0 100 COPY', undefined],
    ['XREAD COUNT 5', undefined],
  ])('%s', (line, key) => {
    expect(of(line)).toBe(key);
  });
});

describe('splittableKeys', () => {
  it('knows all keys of the commands that node-redis may split', () => {
    expect(splittableKeys(['mget', 'a', 'b'])).toEqual(['a', 'b']);
    expect(splittableKeys(['MSET', 'a', '1', 'b', '2'])).toEqual(['a', 'b']);
    expect(splittableKeys(['SUNION', 'a', 'b'])).toBeUndefined();
    expect(splittableKeys(['MSET', 'a', '1', 'b'])).toBeUndefined();
    expect(splittableKeys(['MSET', 'a', '1'])).toEqual(['a']);
    expect(splittableKeys(['GET', 'a'])).toBeUndefined();
  });
});
