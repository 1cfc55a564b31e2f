import { describe, expect, it } from 'vitest';
import { isDead } from './silent-connection.js';

const entry = (flags: string, command = 'eval') =>
  `id=7 addr=127.0.0.1:5 laddr=127.0.0.1:6 flags=${flags} db=0 cmd=${command}\n`;
const SCRIPT = [['EVAL', 'return 1', '0']];

describe('what a server says of a silent connection', () => {
  it.each([
    ['nothing is under way there', entry('N'), true],
    ['it is blocked', entry('b'), false],
    ['it is blocked in a transaction', entry('xb'), false],
    ['it is blocked by another command, as a client of another server', entry('b', 'blpop'), true],
    ['it does not know it', '', true],
    ['it has another format', 'id=7 phase=process', false],
    ['it does not tell', undefined, false],
    ['it refuses to tell', new Error('NOPERM'), false],
  ])('%s', (_, answer, expected) => {
    expect(isDead(answer, SCRIPT)).toBe(expected);
  });

  it('is not compared with the commands of a batch', () => {
    expect(
      isDead(entry('b', 'exec'), [
        ['SET', 'k', 'v'],
        ['GET', 'k'],
      ]),
    ).toBe(false);
  });

  it('does not matter for a subcommand', () => {
    expect(isDead(entry('b', 'xgroup|create'), [['XGROUP', 'CREATE', 'k', 'g', '$']])).toBe(false);
  });
});

describe('of which nothing is known', () => {
  const quick = ['GET', 'set', 'HSET', 'LPUSH', 'XADD', 'PING'].map((name) => [name, 'k']);

  it('is dead when its commands take no time', () => {
    expect(isDead(undefined, quick)).toBe(true);
  });

  it.each(['EVAL', 'evalsha_ro', 'FCALL', 'KEYS', 'SORT_RO', 'FT.SEARCH', 'JSON.GET'])(
    'is not dead when %s may take its time',
    (name) => {
      expect(isDead(undefined, [...quick, [name, 'k']])).toBe(false);
    },
  );
});
