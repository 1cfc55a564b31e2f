import { describe, expect, it } from 'vitest';
import { isDead, isQuick } from './silent-connection.js';

const entry = (flags: string) =>
  `id=7 addr=127.0.0.1:5 laddr=127.0.0.1:6 flags=${flags} db=0 cmd=x\n`;

describe('what a server says of a silent connection', () => {
  it.each([
    ['nothing is under way there', entry('N'), true],
    ['it is blocked', entry('b'), false],
    ['it is blocked in a transaction', entry('xb'), false],
    ['it does not know it', '', true],
    ['it has another format', 'id=7 phase=process', false],
    ['it does not tell', undefined, false],
    ['it refuses to tell', new Error('NOPERM'), false],
  ])('%s', (_, answer, expected) => {
    expect(isDead(answer, false)).toBe(expected);
  });

  it('is not needed where the command takes no time', () => {
    expect(isDead(undefined, true)).toBe(true);
    expect(isDead(entry('b'), true)).toBe(false);
  });
});

it('knows which commands take no time', () => {
  const quick = ['GET', 'set', 'HSET', 'LPUSH', 'XADD', 'PING'].map((name) => [name, 'k']);
  expect(isQuick(quick)).toBe(true);
  for (const name of ['EVAL', 'evalsha_ro', 'FCALL', 'KEYS', 'SORT_RO', 'FT.SEARCH', 'JSON.GET']) {
    expect(isQuick([...quick, [name, 'k']]), name).toBe(false);
  }
});
