import { describe, expect, it } from 'vitest';
import { commandTraits } from './command-category.js';
import { type CommandCategory, mayRepeat, RETRY_SAFETIES } from './command-risk.js';
import { COMMAND_TABLE } from './command-table.js';

const category = (...args: (string | Buffer)[]) => commandTraits(args).category;

describe('commandTraits', () => {
  it.each<[string, CommandCategory]>([
    ['PING', 'connection'],
    ['HELLO', 'connection'],
    ['GET', 'read'],
    ['EVAL_RO', 'read'],
    ['SETNX', 'checked-write'],
    ['DEL', 'last-write-wins'],
    ['HSET', 'last-write-wins'],
    ['EXPIRE', 'last-write-wins'],
    ['INCR', 'accumulating'],
    ['PUBLISH', 'accumulating'],
    ['EVALSHA', 'accumulating'],
    ['FLUSHALL', 'admin'],
    ['SHUTDOWN', 'admin'],
    ['EXEC', 'never'],
    ['WATCH', 'never'],
    ['CLIENT ID', 'database-bound'],
    ['FT.CURSOR READ', 'database-bound'],
  ])('%s is %s', (command, expected) => {
    expect(category(...command.split(' '))).toBe(expected);
  });

  it('reads names in any case, strings and Buffers', () => {
    for (const name of ['INCR', 'incr', 'Incr', 'iNCR']) {
      expect(category(name, 'key')).toBe('accumulating');
      expect(category(Buffer.from(name), 'key')).toBe('accumulating');
    }
    expect(category('Config', Buffer.from('gEt'), '*')).toBe('read');
    expect(category(Buffer.from('config'), 'set', 'a', 'b')).toBe('admin');
  });

  it('takes what it does not know for accumulating', () => {
    for (const name of ['NOSUCH', 'toString', '__proto__', 'constructor', '', ' GET', 'GET ']) {
      expect(category(name, 'key')).toBe('accumulating');
    }
    expect(category()).toBe('accumulating');
    expect(category('x'.repeat(1_000_000))).toBe('accumulating');
    expect(category(Buffer.from([0xff, 0x00, 0x80]))).toBe('accumulating');
  });

  it('takes an unknown subcommand for the riskiest that its command may be', () => {
    expect(category('XGROUP', 'NOSUCH')).toBe('accumulating');
    expect(category('CONFIG', 'NOSUCH')).toBe('admin');
    expect(category('CONFIG')).toBe('admin');
    expect(category('CLUSTER', 'NOSUCH')).toBe('admin');
    expect(category('OBJECT', 'constructor')).toBe('accumulating');
  });

  it('tells subcommands apart', () => {
    expect(category('CONFIG', 'GET', '*')).toBe('read');
    expect(category('CLIENT', 'SETNAME', 'x')).toBe('connection');
    expect(category('XGROUP', 'CREATE', 'k', 'g', '$')).toBe('checked-write');
    expect(category('XGROUP', 'DESTROY', 'k', 'g')).toBe('last-write-wins');
    expect(category('SCRIPT', 'LOAD', 'return 1')).toBe('read');
    expect(category('MEMORY', 'USAGE', 'k')).toBe('read');
    expect(category('SCRIPT', 'HELP')).toBe('read');
    expect(category('COMMAND')).toBe('read');
    expect(category('COMMAND', 'DOCS')).toBe('read');
  });

  it('allocates nothing for a command that does not block', () => {
    expect(commandTraits(['GET', 'a'])).toBe(commandTraits(['get', 'b']));
    expect(commandTraits(['SET', 'a', 'b', 'NX'])).toBe(commandTraits(['SETNX', 'a', 'b']));
    expect(Object.isFrozen(commandTraits(['GET', 'a']))).toBe(true);
  });

  it('gives every name of the table its own category', () => {
    // Bare names of these stand for the form that has options (SORT for SORT with STORE) ...
    const withOptions = new Set(['GETEX', 'HGETEX', 'BITFIELD', 'SORT', 'GEORADIUS']);
    withOptions.add('GEORADIUSBYMEMBER');
    // ... and these need arguments to prove that a repeat is harmless.
    for (const name of ['LREM', 'LTRIM', 'ZREMRANGEBYRANK']) withOptions.add(name);
    for (const [expected, names] of COMMAND_TABLE) {
      for (const name of names.split(' ')) {
        if (!withOptions.has(name))
          expect([name, category(...name.split('|'))]).toEqual([name, expected]);
      }
    }
  });
});

describe('mayRepeat', () => {
  it('allows what is no riskier than the safety', () => {
    for (const [index, safety] of RETRY_SAFETIES.entries()) {
      for (const [risk, category] of RETRY_SAFETIES.entries()) {
        expect(mayRepeat(category, safety)).toBe(risk <= index);
      }
    }
  });

  it('never allows what is bound to a database or must not be repeated', () => {
    for (const safety of RETRY_SAFETIES) {
      expect(mayRepeat('never', safety)).toBe(false);
      expect(mayRepeat('database-bound', safety)).toBe(false);
    }
  });
});
