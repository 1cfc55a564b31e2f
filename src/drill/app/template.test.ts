import { expect, it, test } from 'vitest';
import { filled, shownCommand, shownUrl, variableOf, words } from './template.js';

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

it.each([
  ['node server.js --port {port}', 'node server.js --port {port}'],
  ['app --redis redis://u:hunter2@h:1/0', 'app --redis h:1'],
  ['app --password hunter2 -v', 'app --password *** -v'],
  ['TOKEN=hunter2 app', 'TOKEN=*** app'],
  ["app --api-key='hunter2' \u001b[2J", "app --api-key='***'  [2J"],
])('%s is shown as %s', (text, shown) => {
  expect(shownCommand(text)).toBe(shown);
});

it.each([
  ['http://127.0.0.1:{port}/hits?n={n}&page=2', 'http://127.0.0.1:{port}/hits?n={n}&page=2'],
  ['http://127.0.0.1:3000/hits?token=hunter2&n=1', 'http://127.0.0.1:3000/hits?token=***&n=1'],
  ['http://127.0.0.1:3000/hits?n=1?token=hunter2', 'http://127.0.0.1:3000/hits?n=***'],
])('%s is shown as %s', (url, shown) => {
  expect(shownUrl(url)).toBe(shown);
});
