import { expect, it } from 'vitest';
import { substitute } from './variables.js';

const env = { HOST: 'east', EMPTY: '', NESTED: '${HOST}' };

it.each([
  ['plain', 'plain', []],
  ['redis://${HOST}:1', 'redis://east:1', ['HOST']],
  ['${HOST}${HOST}', 'easteast', ['HOST', 'HOST']],
  ['${NOPE:-west}', 'west', ['NOPE']],
  ['${EMPTY:-west}', 'west', ['EMPTY']],
  ['${EMPTY}', '', ['EMPTY']],
  ['${NOPE:-}', '', ['NOPE']],
  ['${NOPE:-a:-b}', 'a:-b', ['NOPE']],
  ['$${HOST}', '${HOST}', []],
  ['$HOST $ $$', '$HOST $ $$', []],
  ['$${', '${', []],
  ['$${A ${HOST}', '${A east', ['HOST']],
  // What a variable holds is a value, never a pattern.
  ['${NESTED}', '${HOST}', ['NESTED']],
])('%s', (text, result, used) => {
  expect(substitute(text, env)).toEqual({ text: result, used });
});

it.each([
  ['${NOPE}', 'NOPE'],
  ['a ${HOST} ${NOPE}', 'NOPE'],
  ['${toString}', 'toString'],
])('%s is missing', (text, missing) => {
  expect(substitute(text, env)).toEqual({ missing });
});

it.each(['${}', '${HOST', '${A B}', '${1A}', '${HOST-x}'])('%s is malformed', (text) => {
  expect(substitute(text, env)).toHaveProperty('malformed');
});

it.each(['${', '$${', '${A', '${HOST}'])('takes time in proportion to the text: %s', (part) => {
  const text = part.repeat(400_000);
  // In quadratic time this takes minutes.
  substitute(text, env);
});
