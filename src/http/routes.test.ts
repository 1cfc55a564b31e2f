import { expect, it } from 'vitest';
import { below, match } from './routes.js';

it.each([
  ['GET', '/', 'page', undefined],
  ['HEAD', '/status', 'status', undefined],
  ['POST', '/active', 'active', undefined],
  ['POST', '/steering', 'steering', undefined],
  ['POST', '/databases/127.0.0.1%3A6379/drain', 'drain', '127.0.0.1:6379'],
  ['POST', '/databases/%3Cscript%3E/resume', 'resume', '<script>'],
  ['POST', '/databases/east/release', 'release', 'east'],
  ['POST', '/databases/..%2F..%2Fstatus/drain', 'drain', '../../status'],
  ['POST', '/databases/__proto__/drain', 'drain', '__proto__'],
])('%s %s', (method, path, name, databaseId) => {
  expect(match(method, path)).toEqual({ kind: 'route', route: { name, databaseId } });
});

it.each([
  '',
  '//',
  '/status/',
  '/Status',
  '/..',
  '/../status',
  '/./status',
  '/%2e%2e/status',
  '/constructor',
  '/__proto__',
  '/databases//drain',
  '/databases/a/b/drain',
  '/databases/a/',
  'http://evil.example/status',
  '*',
])('does not know %s', (path) => {
  expect(match('GET', path)).toEqual({ kind: 'unknown' });
  expect(match('POST', path)).toEqual({ kind: 'unknown' });
});

it('tells a wrong method and a broken id', () => {
  expect(match('POST', '/status')).toEqual({ kind: 'wrong-method', allow: 'GET, HEAD' });
  expect(match('get', '/status')).toEqual({ kind: 'wrong-method', allow: 'GET, HEAD' });
  expect(match('GET', '/active')).toEqual({ kind: 'wrong-method', allow: 'POST' });
  expect(match('GET', '/steering')).toEqual({ kind: 'wrong-method', allow: 'POST' });
  expect(match('DELETE', '/databases/a/drain')).toEqual({ kind: 'wrong-method', allow: 'POST' });
  expect(match('POST', '/databases/%E0%A4%A/drain')).toEqual({ kind: 'bad-path' });
});

it.each([
  ['', '/status', '/status'],
  ['/redis', '/redis', '/'],
  ['/redis', '/redis/', '/'],
  ['/redis', '/redis/status', '/status'],
  ['/redis', '/redis2/status', undefined],
  ['/redis', '/status', undefined],
])('below %j, %s is %s', (base, path, expected) => {
  expect(below(base, path)).toBe(expected);
});
