import { beforeEach, describe, expect, it } from 'vitest';
import {
  type PubSubListener,
  type SubscribingCall,
  WantedSubscriptions,
} from './wanted-subscriptions.js';

const first: PubSubListener = () => {};
const second: PubSubListener = () => {};
let wanted: WantedSubscriptions;

function call(names: string[], listener = first, mode: 'strings' | 'buffers' = 'strings') {
  const made: SubscribingCall = { kind: 'channel', names, listener, mode };
  wanted.add(made);
  return made;
}

beforeEach(() => {
  wanted = new WantedSubscriptions();
});

describe('WantedSubscriptions', () => {
  it('wants what a call asks for, from the call on', () => {
    const made = call(['one', 'two']);
    expect([wanted.size, wanted.count('channel'), wanted.count('shard')]).toEqual([2, 2, 0]);
    expect([...wanted.names('channel')]).toEqual(['one', 'two']);
    wanted.establish(made);
    expect(wanted.undo(made)).toEqual([]);
    expect(wanted.size).toBe(2);
  });

  it('takes back what a failed call asked for, and nothing else', () => {
    wanted.establish(call(['established']));
    const failing = call(['established', 'own', 'shared', 'other listener']);
    const other = call(['shared']);
    call(['other listener'], second);
    expect(wanted.undo(failing)).toEqual(['own']);
    expect([...wanted.names('channel')]).toEqual(['established', 'shared', 'other listener']);
    expect(wanted.get('channel', 'other listener')?.strings.has(first)).toBe(false);
    expect(wanted.undo(other)).toEqual(['shared']);
    expect(wanted.undo(other)).toEqual([]);
  });

  it('has a listener once for each name and mode', () => {
    wanted.establish(call(['one']));
    wanted.establish(call(['one']));
    wanted.establish(call(['one'], first, 'buffers'));
    expect(wanted.get('channel', 'one')?.strings.size).toBe(1);
    expect(wanted.remove('channel', ['one'], first).unwanted).toEqual([]);
    expect(wanted.remove('channel', ['one'], first, 'buffers').unwanted).toEqual(['one']);
    expect(wanted.size).toBe(0);
  });

  it('removes one listener, all of a name, or everything of a kind', () => {
    wanted.establish(call(['one', 'two', 'three']));
    wanted.establish(call(['one', 'two'], second));
    wanted.add({ kind: 'pattern', names: ['one'], listener: first, mode: 'strings' });
    expect(wanted.remove('channel', ['one', 'unknown'], first).unwanted).toEqual([]);
    expect(wanted.remove('channel', ['one', 'two']).unwanted).toEqual(['one', 'two']);
    expect(wanted.remove('channel').unwanted).toEqual(['three']);
    expect(wanted.has('pattern', 'one')).toBe(true);
  });

  it('tells which calls under way lost a name', () => {
    const pending = call(['one', 'two']);
    expect(wanted.wants(pending, 'one')).toBe(true);
    expect(wanted.remove('channel', ['one'], first)).toEqual({
      unwanted: ['one'],
      affected: [{ call: pending, name: 'one' }],
    });
    expect([wanted.wants(pending, 'one'), wanted.wants(pending, 'two')]).toEqual([false, true]);
    // Wanted anew by another call: the first one has no part in it.
    call(['one']);
    expect(wanted.undo(pending)).toEqual(['two']);
  });
});
