import { expect, it } from 'vitest';
import { InvalidOptionError } from '../errors.js';
import { resolveHttpOptions } from './options.js';

it('has safe defaults', () => {
  expect(resolveHttpOptions()).toMatchObject({
    authorize: undefined,
    read: 'loopback',
    hosts: [],
    basePath: '',
    maxListeners: 50,
  });
  expect(resolveHttpOptions({ basePath: '/a/b/', hosts: ['Ops.example.com'] })).toMatchObject({
    basePath: '/a/b',
    hosts: ['ops.example.com'],
  });
});

it('takes the first of several steering sources that can publish', () => {
  const watch = () => () => {};
  const publisher = { name: 'b', watch, publish: async () => ({}) as never };
  const steering = [{ name: 'a', watch }, publisher];
  expect(resolveHttpOptions({ steering }).steering).toBe(publisher);
});

it.each([
  ['authorize', true],
  ['read', 'all'],
  ['read', 'authorize'],
  ['hosts', 'ops.example.com'],
  ['hosts', ['https://ops.example.com']],
  ['challenge', 'Basic\r\nx: y'],
  ['basePath', 'redis'],
  ['basePath', '/../x y'],
  ['title', 7],
  ['steering', 'ops:steering'],
  ['steering', { name: 'file', watch: () => () => {} }],
  ['steering', []],
  ['maxListeners', 0],
  ['statusIntervalMs', Number.NaN],
  ['heartbeatMs', 2 ** 31],
  ['authorise', () => true],
])('refuses %s: %j', (name, value) => {
  expect(() => resolveHttpOptions({ [name]: value })).toThrow(InvalidOptionError);
});
