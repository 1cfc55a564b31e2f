import { describe, expect, it } from 'vitest';
import { commonSlot, hashSlot, hashTagWhere } from './hash-slot.js';

describe('hashSlot', () => {
  // As a server answers CLUSTER KEYSLOT.
  it.each([
    ['', 0],
    ['foo', 12_182],
    ['bar', 5061],
    ['123456789', 12_739],
    ['{user1000}.following', hashSlot('user1000')],
    ['foo{}{bar}', 8363],
    ['foo{{bar}}zap', hashSlot('{bar')],
    ['foo{bar}{zap}', 5061],
    ['foo{bar', hashSlot(Buffer.from('foo{bar'))],
    ['über', hashSlot(Buffer.from('über'))],
  ])('%s', (key, slot) => {
    expect(hashSlot(key)).toBe(slot);
    expect(hashSlot(Buffer.from(key))).toBe(slot);
  });
});

describe('commonSlot', () => {
  it.each([
    [[], 'none'],
    [['foo'], 12_182],
    [['foo', Buffer.from('{foo}:x')], 12_182],
    [['foo', 'foo', 'bar'], 'several'],
  ])('%j', (keys, slot) => {
    expect(commonSlot(keys as string[])).toBe(slot);
  });
});

describe('hashTagWhere', () => {
  it('finds a tag in a wanted slot', () => {
    const tag = hashTagWhere((slot) => slot === 16_383);
    expect(hashSlot(`anything:{${tag}}`)).toBe(16_383);
  });

  it('throws when no slot is wanted', () => {
    expect(() => hashTagWhere(() => false)).toThrow(RangeError);
  });
});
