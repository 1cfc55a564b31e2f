import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanText, LONGEST_TEXT } from './clean-text.js';

describe('cleanText', () => {
  it.each([
    ['connect ECONNREFUSED 127.0.0.1:6379', 'connect ECONNREFUSED 127.0.0.1:6379'],
    ['ünïcode – 漢字 🙂', 'ünïcode – 漢字 🙂'],
    ['two\r\nlines\nactive: west', 'two lines active: west'],
    ['\u001b]52;c;cm0gLXJm\u0007 copied', ' ]52;c;cm0gLXJm  copied'],
    ['\u009b2J cleared', ' 2J cleared'],
    ['\u202egnp.exe', ' gnp.exe'],
    ['a\u2028b\u0000c', 'a b c'],
  ])('%j', (text, clean) => {
    expect(cleanText(text)).toBe(clean);
  });

  it('keeps no more than the bound', () => {
    expect(cleanText('x'.repeat(1001))).toBe(`${'x'.repeat(997)}...`);
    expect(cleanText('x'.repeat(1000))).toBe('x'.repeat(1000));
    expect(cleanText('abcdef', 5)).toBe('ab...');
  });

  it('leaves nothing that acts, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1500 }), (text) => {
        const clean = cleanText(text);
        expect(clean).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(clean.length).toBeLessThanOrEqual(LONGEST_TEXT);
        expect(cleanText(clean)).toBe(clean);
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
