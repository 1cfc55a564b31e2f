import { describe, expect, it } from 'vitest';
import { blocksNothing, connectionView, isDead } from './silent-connection.js';

const entry = (flags: string, command = 'eval') =>
  `id=7 addr=127.0.0.1:5 laddr=127.0.0.1:6 flags=${flags} db=0 cmd=${command}\n`;
const SCRIPT = [['EVAL', 'return 1', '0']];

const isDeadBy = (answer: unknown, commands: readonly (readonly string[])[], before?: string) =>
  isDead(connectionView(answer, '7'), commands, before);

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
    expect(isDeadBy(answer, SCRIPT)).toBe(expected);
  });

  it('is not compared with the commands of a batch', () => {
    expect(
      isDeadBy(entry('b', 'exec'), [
        ['SET', 'k', 'v'],
        ['GET', 'k'],
      ]),
    ).toBe(false);
  });

  it('does not matter for a subcommand', () => {
    expect(isDeadBy(entry('b', 'xgroup|create'), [['XGROUP', 'CREATE', 'k', 'g', '$']])).toBe(
      false,
    );
  });
});

describe('of which nothing is known', () => {
  const quick = ['GET', 'set', 'HSET', 'LPUSH', 'XADD', 'PING'].map((name) => [name, 'k']);

  it('is dead when its commands take no time', () => {
    expect(isDeadBy(undefined, quick)).toBe(true);
  });

  it.each(['EVAL', 'evalsha_ro', 'FCALL', 'KEYS', 'SORT_RO', 'FT.SEARCH', 'JSON.GET'])(
    'is not dead when %s may take its time',
    (name) => {
      expect(isDeadBy(undefined, [...quick, [name, 'k']])).toBe(false);
    },
  );
});

describe('of which a large command is arriving', () => {
  const arriving = (qbuf: number) => `${entry('N', 'get').trim()} qbuf=${qbuf} argv-mem=9\n`;
  const SET = [['SET', 'k', 'large']];
  const arrived = (qbuf: number) => {
    const view = connectionView(arriving(qbuf), '7');
    return view.kind === 'listed' ? view.arriving : undefined;
  };

  it.each([
    ['at the first look', undefined, false],
    ['as long as more of it arrives', arrived(4096), false],
    ['unless nothing more of it arrives', arrived(65_536), true],
  ])('is not dead %s', (_, before, expected) => {
    expect(isDeadBy(arriving(65_536), SET, before)).toBe(expected);
  });
});

describe('the entry of a connection', () => {
  it('is found where the server lists all of them', () => {
    const all = `id=70 addr=a flags=N cmd=get\n${entry('b', 'blpop')}id=8 addr=b flags=N cmd=get\n`;
    expect(connectionView(all, '7')).toMatchObject({ isBlocked: true, command: 'blpop' });
    expect(connectionView('id=70 addr=a flags=N cmd=get\n', '7').kind).toBe('untold');
  });

  it('has the name of a module command', () => {
    expect(connectionView(entry('b', 'ft.search'), '7')).toMatchObject({ command: 'ft.search' });
  });
});

describe('a blocking command', () => {
  it.each([
    ['blocks', entry('b', 'blpop'), false],
    ['never arrived', entry('N', 'get'), true],
    ['was answered', entry('N', 'blpop'), true],
    ['has no connection any more', '', true],
    ['is not told of', new Error('NOPERM'), false],
    ['is told of in another format', 'id=7 phase=process', false],
  ])('%s', (_, answer, expected) => {
    expect(blocksNothing(connectionView(answer, '7'))).toBe(expected);
  });

  it('can not be asked for without an id', () => {
    expect(connectionView(entry('N'), undefined).kind).toBe('untold');
  });
});
