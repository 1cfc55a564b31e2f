import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../drivers/driver.js';
import { LoadedScripts } from '../drivers/node-redis/loaded-scripts.js';
import { ScriptSources } from './script-sources.js';

const sha = (source: string) => createHash('sha1').update(source).digest('hex');
const call = (source: string) => ['EVALSHA', sha(source), '0'];

describe('what is remembered', () => {
  it('is found by its digest in any case, and nothing else is', () => {
    const sources = new ScriptSources();
    sources.remember('return 1');
    expect(sources.callOf(call('return 1'))?.scripts.scripts[0]?.source).toBe('return 1');
    expect(sources.callOf(['evalsha', sha('return 1').toUpperCase(), '0'])).toBeDefined();
    expect(sources.callOf(call('return 2'))).toBeUndefined();
    expect(sources.callOf(['EVALSHA'])).toBeUndefined();
  });

  it('is bounded in number and size; what was not used for the longest time goes first', () => {
    const sources = new ScriptSources();
    sources.remember('return 0');
    for (let index = 1; index < 5000; index += 1) {
      sources.remember(`return ${index}`);
      sources.callOf(call('return 0'));
    }
    expect(sources.size).toBe(2000);
    expect(sources.callOf(call('return 0'))).toBeDefined();
    expect(sources.callOf(call('return 1'))).toBeUndefined();
    const large = (letter: string) => letter.repeat(6 * 2 ** 20);
    for (const letter of ['a', 'b', 'c']) sources.remember(large(letter));
    expect(sources.callOf(call(large('a')))).toBeUndefined();
    expect(sources.callOf(call(large('c')))).toBeDefined();
    sources.remember('x'.repeat(17 * 2 ** 20));
    expect(sources.size).toBe(2);
  });

  it('keeps a Buffer as it was, and counts what is loaded again once', () => {
    const sources = new ScriptSources();
    const source = Buffer.from('return 1');
    sources.remember(source);
    sources.remember('return 1');
    source.fill(0);
    expect(String(sources.callOf(call('return 1'))?.scripts.scripts[0]?.source)).toBe('return 1');
    expect(sources.size).toBe(1);
  });
});

describe('a batch', () => {
  it('carries each script that it calls once, and is the same object if it calls none', () => {
    const sources = new ScriptSources();
    sources.remember('return 1');
    const plain = { kind: 'multi' as const, commands: [['GET', 'key']] };
    expect(sources.withScripts(plain)).toBe(plain);
    const commands = [call('return 1'), ['GET', 'key'], call('return 1'), call('return 2')];
    const { scripts } = sources.withScripts({ kind: 'pipeline', commands });
    expect(scripts?.scripts).toHaveLength(1);
  });
});

describe('a connection', () => {
  const connection = () => {
    const sent: Attempt[] = [];
    return { sent, send: (attempt: Attempt) => void sent.push(attempt) };
  };

  it('loads a script once, and again in another epoch', () => {
    const sources = new ScriptSources();
    sources.remember('return 1');
    const to = connection();
    const loaded = new LoadedScripts();
    const load = () => {
      const calling = sources.callOf(call('return 1'));
      if (calling !== undefined) loaded.load(calling.scripts, to);
      return calling;
    };
    const first = load();
    const second = load();
    expect(to.sent.map(({ args }) => args)).toEqual([['SCRIPT', 'LOAD', 'return 1']]);
    // Two calls that fail for the same reason count once.
    for (const each of [first, second]) if (each) sources.onMissing(each.scripts);
    expect(sources.epoch).toBe(1);
    load();
    load();
    expect(to.sent).toHaveLength(2);
  });

  it('loads it again after a refusal that passes, and not without permission', () => {
    const sources = new ScriptSources();
    sources.remember('return 1');
    const to = connection();
    const loaded = new LoadedScripts();
    const { scripts } = sources.callOf(call('return 1')) ?? {};
    const load = () => scripts && loaded.load(scripts, to);
    load();
    to.sent[0]?.onError(new Error('BUSY Redis is busy running a script.'));
    expect(load()).toBe(true);
    to.sent[1]?.onError(new Error('NOPERM this user has no permissions'));
    expect(load()).toBe(false);
  });
});
