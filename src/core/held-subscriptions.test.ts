import { describe, expect, it } from 'vitest';
import { HeldSubscriptions } from './held-subscriptions.js';

describe('HeldSubscriptions', () => {
  it('asks once for what is wanted, and waits for the answer', () => {
    const held = new HeldSubscriptions();
    expect(held.next('channel', 'one', true)).toBe('subscribe');
    expect(held.next('channel', 'one', true)).toBeUndefined();
    expect([held.subscribing, held.isEmpty]).toEqual([1, false]);
    held.confirm('channel', 'one', 'subscribe');
    expect([held.subscribing, held.state('channel', 'one')]).toEqual([0, 'subscribed']);
    expect(held.next('channel', 'one', true)).toBeUndefined();
    expect(held.next('channel', 'one', false)).toBe('unsubscribe');
    held.confirm('channel', 'one', 'unsubscribe');
    expect(held.isEmpty).toBe(true);
  });

  it('turns round when the answer is there, not before', () => {
    const held = new HeldSubscriptions();
    held.next('shard', 'one', true);
    expect(held.next('shard', 'one', false)).toBeUndefined();
    held.confirm('shard', 'one', 'subscribe');
    expect(held.next('shard', 'one', false)).toBe('unsubscribe');
    expect(held.next('shard', 'one', true)).toBeUndefined();
    held.confirm('shard', 'one', 'unsubscribe');
    expect(held.next('shard', 'one', true)).toBe('subscribe');
  });

  it('asks again for what was refused only when it is told to', () => {
    const held = new HeldSubscriptions();
    held.next('pattern', 'one', true);
    held.refuse('pattern', 'one', 'subscribe');
    expect([held.state('pattern', 'one'), held.subscribing]).toEqual(['refused', 0]);
    expect(held.next('pattern', 'one', true)).toBeUndefined();
    held.retry('pattern', 'one');
    expect(held.next('pattern', 'one', true)).toBe('subscribe');
    held.refuse('pattern', 'one', 'subscribe');
    expect(held.next('pattern', 'one', false)).toBeUndefined();
    expect(held.isEmpty).toBe(true);
  });

  it('keeps what the server refuses to unsubscribe', () => {
    const held = new HeldSubscriptions();
    held.next('channel', 'one', true);
    held.confirm('channel', 'one', 'subscribe');
    held.next('channel', 'one', false);
    held.refuse('channel', 'one', 'unsubscribe');
    expect(held.names('channel', 'subscribed')).toEqual(['one']);
  });

  it('forgets what the server ended, but not what it is about to answer', () => {
    const held = new HeldSubscriptions();
    held.next('shard', 'one', true);
    held.revoke('shard', 'one');
    expect(held.state('shard', 'one')).toBe('subscribing');
    held.confirm('shard', 'one', 'subscribe');
    held.revoke('shard', 'one');
    expect(held.next('shard', 'one', true)).toBe('subscribe');
  });

  it('does not mix kinds', () => {
    const held = new HeldSubscriptions();
    expect(held.next('channel', 'one', true)).toBe('subscribe');
    expect(held.next('shard', 'one', true)).toBe('subscribe');
    held.confirm('channel', 'one', 'subscribe');
    expect(held.state('shard', 'one')).toBe('subscribing');
  });
});
