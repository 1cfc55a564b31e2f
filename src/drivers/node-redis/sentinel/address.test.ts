import { describe, expect, it } from 'vitest';
import { type MasterAnswer, mapped, newest, sameAddress, votes } from './address.js';

const at = (host: string, epoch: number): MasterAnswer => ({ host, port: 6379, epoch });

describe('newest', () => {
  it('is the one of the highest epoch, however few name it', () => {
    const answers = [at('old', 1), at('new', 2), at('old', 1)];
    expect(newest(answers)).toEqual(at('new', 2));
  });

  it('among equals the one that most name', () => {
    const answers = [at('a', 1), at('b', 1), at('b', 1)];
    expect(newest(answers)?.host).toBe('b');
    expect([votes(answers, at('b', 1)), votes(answers, at('c', 1))]).toEqual([2, 0]);
  });

  it('is none of none', () => {
    expect(newest([])).toBeUndefined();
  });
});

it('maps addresses by table and by function, and keeps what is not mapped', () => {
  const inside = { host: '10.0.0.1', port: 6379 };
  const outside = { host: 'localhost', port: 16_379 };
  expect(mapped(inside, { '10.0.0.1:6379': outside })).toBe(outside);
  expect(mapped(inside, (address) => (address === '10.0.0.1:6379' ? outside : undefined))).toBe(
    outside,
  );
  expect(mapped(inside, () => undefined)).toBe(inside);
  expect(mapped(inside, undefined)).toBe(inside);
});

it('compares addresses, of which none may be known', () => {
  expect(sameAddress(at('a', 1), at('a', 2))).toBe(true);
  expect(sameAddress(at('a', 1), { host: 'a', port: 1 })).toBe(false);
  expect(sameAddress(undefined, undefined)).toBe(false);
});
