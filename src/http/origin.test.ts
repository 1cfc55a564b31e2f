import { describe, expect, it } from 'vitest';
import { isCrossSite, isLocal, isOwnHost } from './origin.js';

const asked = (headers: Record<string, string>, remoteAddress?: string) => ({
  headers,
  remoteAddress,
});

describe('isLocal', () => {
  it.each([
    ['127.0.0.1', { host: 'localhost:3000' }],
    ['127.0.0.1', { host: '127.1.2.3' }],
    ['127.0.0.1', { host: 'localhost', 'x-request-id': '1', traceparent: '00-1-1-01' }],
    ['::1', { host: '[::1]:3000' }],
    ['::ffff:127.0.0.1', { host: 'APP.localhost.' }],
    ['127.0.0.1', { host: 'app.test:3000' }],
  ])('%s %j', (address, headers) => {
    expect(isLocal(asked(headers, address), ['app.test'])).toBe(true);
  });

  it.each([
    [undefined, { host: 'localhost' }],
    ['10.0.0.1', { host: 'localhost' }],
    ['::ffff:10.0.0.1', { host: 'localhost' }],
    ['127.0.0.1', {}],
    ['127.0.0.1', { host: 'evil.example' }],
    ['127.0.0.1', { host: 'localhost.evil.example' }],
    ['127.0.0.1', { host: '127.0.0.1.evil.example' }],
    ['127.0.0.1', { host: 'localhost:3000:evil.example' }],
    ['127.0.0.1', { host: 'localhost@evil.example' }],
    ['127.0.0.1', { host: '10.0.0.1' }],
    ['127.0.0.1', { host: 'localhost', 'x-forwarded-for': '127.0.0.1' }],
    ['127.0.0.1', { host: 'localhost', forwarded: 'for=127.0.0.1' }],
    ['127.0.0.1', { host: 'localhost', via: '1.1 proxy' }],
    ['127.0.0.1.evil.example', { host: 'localhost' }],
    ['127.0.0.6', { host: 'localhost' }],
    ['::ffff:127.0.0.6', { host: 'localhost' }],
    ['127.1.2.3', { host: 'localhost' }],
  ])('not %s %j', (address, headers) => {
    expect(isLocal(asked(headers as never, address), ['app.test'])).toBe(false);
  });
});

it.each([
  'cdn-loop',
  'cf-connecting-ip',
  'cf-ray',
  'client-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'true-client-ip',
  'x-amzn-trace-id',
  'x-appengine-user-ip',
  'x-azure-clientip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  'x-envoy-peer-metadata',
  'x-forwarded-client-cert',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-original-forwarded-for',
  'x-real-ip',
])('does not count a request with %s as local', (name) => {
  const headers = { host: 'localhost', [name]: '' };
  expect(isLocal(asked(headers, '127.0.0.1'), [])).toBe(false);
});

it('takes names that nobody else can point here', () => {
  const hosts = ['ops.example.com', 'other.example.com:8443'];
  for (const host of [
    'localhost:1',
    '10.0.0.1:80',
    '[fe80::1]',
    'ops.example.com:9',
    'OPS.example.com',
    'other.example.com:8443',
  ]) {
    expect(isOwnHost(asked({ host }), hosts), host).toBe(true);
  }
  for (const host of [
    'evil.example',
    'other.example.com',
    'ops.example.com.evil.example',
    '',
    '10.0.0.1.evil.example',
  ]) {
    expect(isOwnHost(asked({ host }), hosts), host).toBe(false);
  }
  expect(isOwnHost(asked({}), hosts)).toBe(false);
});

it.each([
  [{ host: 'a:1' }, false],
  [{ host: 'a:1', 'sec-fetch-site': 'same-origin', origin: 'http://a:1' }, false],
  [{ host: 'a:1', 'sec-fetch-site': 'none' }, false],
  [{ host: 'A:1', origin: 'https://a:1' }, false],
  [{ host: 'internal', origin: 'https://ops.example.com' }, false],
  [{ host: 'a:1', 'sec-fetch-site': 'cross-site' }, true],
  [{ host: 'a:1', 'sec-fetch-site': 'same-site', origin: 'http://a:2' }, true],
  [{ host: 'a:1', 'sec-fetch-site': 'nonsense' }, true],
  [{ host: 'a:1', origin: 'http://a:2' }, true],
  [{ host: 'a:1', origin: 'http://b:1' }, true],
  [{ host: 'a:1', origin: 'null' }, true],
  [{ host: 'a:1', origin: '' }, true],
  [{ host: 'a:1', origin: 'http://a:1@evil.example' }, true],
  [{ host: '', origin: 'http://' }, true],
])('%j is cross-site: %s', (headers, expected) => {
  expect(isCrossSite(asked(headers as never), ['ops.example.com'])).toBe(expected);
});
