import { expect, it } from 'vitest';
import { secretsInHeader } from './secrets-in-header.js';

it.each([
  ['authorization', 'Bearer abc', ['Bearer abc', 'abc']],
  ['authorization', 'abc', ['abc']],
  ['authorization', `Basic ${Buffer.from('u:p:w').toString('base64')}`, ['p:w']],
  ['cookie', 'a=1; session=abc', ['a=1; session=abc', '1', 'abc']],
  ['x-api-key', 'abc', ['abc']],
  ['accept', 'text/html', []],
  ['authorization', '', []],
])('%s: %s', (name, value, secrets) => {
  const found = secretsInHeader(name, value).map(({ text }) => text);
  expect(found).toEqual(expect.arrayContaining(secrets));
  if (secrets.length === 0) expect(found).toEqual([]);
});
