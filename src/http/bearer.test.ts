import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../errors.js';
import { bearer } from './bearer.js';

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
const allows = (token: string, authorization?: string) =>
  bearer(token)({ headers: authorization === undefined ? {} : { authorization } });

describe('bearer', () => {
  it.each([
    'Bearer s3cret:with=all/of+it',
    'bearer s3cret:with=all/of+it',
    basic('anybody:s3cret:with=all/of+it'),
    basic(':s3cret:with=all/of+it'),
  ])('allows %s', (authorization) => {
    expect(allows('s3cret:with=all/of+it', authorization)).toBe(true);
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer undefined',
    'Bearer s3cre',
    'Bearer s3crett',
    'Bearer s3cret s3cret',
    's3cret',
    'Digest s3cret',
    basic('s3cret'),
    basic('s3cret:'),
    basic('anybody:'),
    'Basic %%%',
  ])('refuses %s', (authorization) => {
    expect(allows('s3cret', authorization)).toBe(false);
  });

  it.each([undefined, '', ' ', 'two words', 'with\nnewline', 'ünicode', null, 7, {}])(
    'refuses the token %j when it is created',
    (token) => {
      expect(() => bearer(token as string)).toThrow(InvalidOptionError);
    },
  );

  it('does not repeat a token that it refuses', () => {
    let error: unknown;
    try {
      bearer('hunter2 hunter2');
    } catch (thrown) {
      error = thrown;
    }
    expect(inspect(error, { depth: 9 })).not.toContain('hunter2');
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });
});
