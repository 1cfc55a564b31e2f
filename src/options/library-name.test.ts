import { expect, it } from 'vitest';
import { libraryName } from './library-name.js';

it.each([
  ['#!lua name=orders\nredis.register_function("f", function() end)', 'orders'],
  ['#!lua  name=my_lib', 'my_lib'],
  ['#!js api_version=1.0 name=lib\n', 'lib'],
  ['return 1', undefined],
  ['#!lua\nname=orders', undefined],
  ['', undefined],
])('the name of %j is %s', (code, name) => {
  expect(libraryName(code)).toBe(name);
});
