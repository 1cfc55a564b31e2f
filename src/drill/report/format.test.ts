import { expect, it } from 'vitest';
import { counted } from './format.js';

it('has one of a kind in the singular, and everything else in the plural', () => {
  expect([0, 1, 2].map((value) => counted(value, 'error'))).toEqual([
    '0 errors',
    '1 error',
    '2 errors',
  ]);
  expect(counted(1, 'reply', 'replies')).toBe('1 reply');
  expect(counted(12_345, 'reply', 'replies')).toBe('12\u202f345 replies');
});
