import { expect, test } from 'vitest';
import { filled, variableOf, words } from './template.js';

test.each([
  ['node server.js', ['node', 'server.js']],
  ['  node   "my server.js" --a=\'b "c"\' ', ['node', 'my server.js', '--a=b "c"']],
  ["sh -c 'PORT=1 exec node a.js'", ['sh', '-c', 'PORT=1 exec node a.js']],
  ["node a\\ b.js '' \"a\\\"b\" 'a\\b'", ['node', 'a b.js', '', 'a"b', 'a\\b']],
  ['', []],
])('words(%j)', (text, expected) => {
  expect(words(text)).toEqual(expected);
});

test('words() knows a quote that is not closed', () => {
  expect(words('node "server.js')).toBeUndefined();
});

test('filled() puts in what is known, once, and leaves the rest', () => {
  const places = new Map([
    ['east', 'redis://{west}'],
    ['port', '3000'],
  ]);
  expect(filled('{east} {port} {west} {"a":1} {}', places)).toBe(
    'redis://{west} 3000 {west} {"a":1} {}',
  );
});

test.each([
  ['east', 'EAST_URL'],
  ['us-east-1', 'US_EAST_1_URL'],
  ['a.b', 'A_B_URL'],
])('variableOf(%j)', (id, name) => {
  expect(variableOf(id)).toBe(name);
});
