import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../errors.js';
import { addressOf, checkClient, mergeClient } from './client.js';
import { copyOptions } from './copy.js';

const AT = 'databases[0].client';

function merge(own: object, shared: object = {}) {
  return mergeClient(checkClient(own, AT), checkClient(shared, 'client'), AT);
}

function errorOf(act: () => unknown): InvalidOptionError {
  try {
    act();
  } catch (error) {
    if (error instanceof InvalidOptionError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('merge', () => {
  it('lays the own options over the shared ones, socket part by part', () => {
    const shared = { password: 'p', name: 'app', socket: { keepAlive: true, noDelay: true } };
    const own = { name: 'east', socket: { host: 'east', noDelay: false } };
    expect(merge(own, shared)).toEqual({
      password: 'p',
      name: 'east',
      socket: { host: 'east', keepAlive: true, noDelay: false },
    });
  });

  it('takes undefined for not given', () => {
    const merged = merge(
      { name: undefined, socket: { path: undefined, port: 1 } },
      { name: 'app', socket: { host: 'h' } },
    );
    expect(merged).toEqual({ name: 'app', socket: { host: 'h', port: 1 } });
    expect(Object.keys(merged.socket as object)).not.toContain('path');
  });

  it('keeps what the engine takes over for the driver to strip', () => {
    const own = { pingInterval: 5, socket: { socketTimeout: 1, connectTimeout: 2 } };
    const shared = { commandOptions: { timeout: 3 }, disableOfflineQueue: true };
    expect(merge(own, shared)).toEqual({ ...own, ...shared });
  });

  it('copies deeply and changes nothing that it was given', () => {
    const own = { socket: { host: 'east', ca: ['a'] } };
    const shared = { socket: { keepAlive: true }, commandOptions: { typeMapping: { 36: Buffer } } };
    const before = structuredClone({ own, socket: shared.socket });
    const merged = merge(own, shared);
    (merged.socket as { ca: string[] }).ca.push('b');
    (merged.commandOptions as Record<string, unknown>).timeout = 1;
    (merged.socket as { keepAlive: boolean }).keepAlive = false;
    expect({ own, socket: shared.socket }).toEqual(before);
    expect(shared.commandOptions).toEqual({ typeMapping: { 36: Buffer } });
  });

  it('two databases share no copy', () => {
    const shared = checkClient({ socket: { keepAlive: true }, commandOptions: {} }, 'client');
    const [a, b] = [mergeClient({}, shared, AT), mergeClient({}, shared, AT)];
    expect(a.socket).not.toBe(b.socket);
    expect(a.commandOptions).not.toBe(b.commandOptions);
  });

  it('drops inherited credentials of the other kind', () => {
    const provider = { type: 'async-credentials-provider', credentials: async () => ({}) };
    const byPassword = merge({ password: 'own' }, { credentialsProvider: provider });
    expect(byPassword).toEqual({ password: 'own' });
    const byProvider = merge({ credentialsProvider: provider }, { username: 'u', password: 'p' });
    expect(byProvider).toEqual({ credentialsProvider: provider });
    expect(byProvider.credentialsProvider).toBe(provider);
    expect(merge({ password: 'own' }, { username: 'u', password: 'p' })).toEqual({
      username: 'u',
      password: 'own',
    });
  });

  it('drops an inherited address that would win over the own one', () => {
    expect(merge({ url: 'redis://east' }, { socket: { path: '/sock', noDelay: true } })).toEqual({
      url: 'redis://east',
      socket: { noDelay: true },
    });
    expect(merge({ socket: { port: 1 } }, { socket: { path: '/sock' } }).socket).toEqual({
      port: 1,
    });
    expect(merge({ socket: { path: '/sock' } }, { socket: { host: 'h', port: 1 } }).socket).toEqual(
      { path: '/sock' },
    );
  });
});

describe('copyOptions', () => {
  it('keeps by reference what is more than data', () => {
    class Provider {}
    const kept = {
      instance: new Provider(),
      run: () => 1,
      buffer: Buffer.from('x'),
      signal: new AbortController().signal,
      modules: { m: {} },
      scripts: { s: {} },
      functions: { f: {} },
      credentialsProvider: { type: 'x' },
      tls: { ca: 'x' },
    };
    const copied = copyOptions(kept);
    expect(copied).not.toBe(kept);
    for (const [name, value] of Object.entries(kept)) expect(copied[name], name).toBe(value);
  });

  it('copies what refers to itself', () => {
    const own: Record<string, unknown> = { nested: {} };
    (own.nested as Record<string, unknown>).back = own;
    const copied = copyOptions(own);
    expect((copied.nested as Record<string, unknown>).back).toBe(copied);
    const list: unknown[] = [];
    list.push(list);
    const copiedList = copyOptions({ list }).list as unknown[];
    expect(copiedList).not.toBe(list);
    expect(copiedList[0]).toBe(copiedList);
  });

  it("can't be made to change a prototype", () => {
    const copied = copyOptions(JSON.parse('{"socket":{"__proto__":{"polluted":true}}}'));
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(copied.socket)).toBe(Object.prototype);
  });
});

describe('address', () => {
  it.each([
    [{}, 'localhost:6379'],
    [{ url: 'redis://east.example.com:14000' }, 'east.example.com:14000'],
    [{ url: 'redis://user:s3cret@east' }, 'east:6379'],
    [{ url: 'rediss://:s3c%40ret@east:1/2' }, 'east:1'],
    [{ url: 'redis://[::1]:7000' }, '[::1]:7000'],
    [{ url: 'unix://user:s3cret@/tmp/redis.sock?db=1' }, '/tmp/redis.sock'],
    [{ socket: { host: 'east' } }, 'east:6379'],
    [{ socket: { port: 7000 } }, 'localhost:7000'],
    [{ socket: { host: '::1', port: 7000 } }, '[::1]:7000'],
    [{ socket: { path: '/tmp/redis.sock' } }, '/tmp/redis.sock'],
    [{ url: 'redis://east:1', socket: { host: 'ignored', port: 2 } }, 'east:1'],
  ])('%j -> %s', (options, address) => {
    expect(addressOf(merge(options))).toBe(address);
  });
});

describe('rejects', () => {
  it.each([
    ['a string', 'redis://u:s3cret@east', AT],
    ['an array', [], AT],
    ['null', null, AT],
    ['a client', { sendCommand() {} }, AT],
    ['socket', { socket: 'east' }, `${AT}.socket`],
    ['url', { url: 5 }, `${AT}.url`],
    ['a URL without a scheme', { url: 'east:6379' }, `${AT}.url`],
    ['another scheme', { url: 'http://u:s3cret@east' }, `${AT}.url`],
    ['a URL that is none', { url: 'redis://user:s3cret' }, `${AT}.url`],
    ['a URL without a host', { url: 'redis:/s3cret@east:1' }, `${AT}.url`],
    ['a URL without slashes', { url: 'redis:s3cret@east:1' }, `${AT}.url`],
    ['a URL with a path', { url: 'redis://east/s3cret' }, `${AT}.url`],
    ['a URL that can not be decoded', { url: 'redis://u:s3cret%zz@east' }, `${AT}.url`],
    ['a connection string', 'east:1,password=s3cret', AT],
    ['a URL in place of an object', 'redis://:s3cret', AT],
    ['a socket without a path', { url: 'unix://u:s3cret@' }, `${AT}.url`],
    [
      'a client that gives up',
      { socket: { reconnectStrategy: false } },
      `${AT}.socket.reconnectStrategy`,
    ],
    ['connectTimeout', { socket: { connectTimeout: -1 } }, `${AT}.socket.connectTimeout`],
    ['a number as text', { socket: { connectTimeout: '5' } }, `${AT}.socket.connectTimeout`],
    ['no number', { socket: { connectTimeout: Number.NaN } }, `${AT}.socket.connectTimeout`],
    ['clientSideCache', { clientSideCache: { ttl: 1 } }, `${AT}.clientSideCache`],
    ['emitInvalidate', { emitInvalidate: true }, `${AT}.emitInvalidate`],
    [
      'TLS against the URL',
      { url: 'redis://u:s3cret@e', socket: { tls: true } },
      `${AT}.socket.tls`,
    ],
    [
      'path beside the URL',
      { url: 'redis://u:s3cret@e', socket: { path: '/s' } },
      `${AT}.socket.path`,
    ],
  ])('%s', (_, own, option) => {
    const error = errorOf(() => merge(own as object));
    expect(error.option).toBe(option);
    expect(error.message).not.toContain('s3cret');
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });

  it.each(['true', 1, 0, null, [], 'yes', () => true])(
    'a value for TLS that is neither: %o',
    (tls) => {
      expect(errorOf(() => merge({ socket: { tls } })).option).toBe(`${AT}.socket.tls`);
    },
  );

  it.each([
    [{ tls: true, rejectUnauthorized: 'false' }, 'rejectUnauthorized'],
    [{ tls: { rejectUnauthorized: 0 } }, 'rejectUnauthorized'],
    [{ tls: true, checkServerIdentity: true }, 'checkServerIdentity'],
  ])('what would weaken TLS: %j', (socket, name) => {
    expect(errorOf(() => merge({ socket })).option).toBe(`${AT}.socket.${name}`);
  });

  it('takes an object for TLS with these options', () => {
    const ca = Buffer.from('x');
    expect(merge({ socket: { host: 'east', tls: { ca, servername: 'e' } } })).toEqual({
      socket: { host: 'east', tls: true, ca, servername: 'e' },
    });
    expect(merge({ socket: { tls: {} } })).toEqual({ socket: { tls: true } });
    expect(merge({ socket: { tls: false } })).toEqual({ socket: { tls: false } });
    expect(errorOf(() => merge({ url: 'redis://east', socket: { tls: {} } })).option).toBe(
      `${AT}.socket.tls`,
    );
  });

  it('TLS for all where one URL is without', () => {
    const error = errorOf(() => merge({ url: 'redis://east' }, { socket: { tls: true } }));
    expect(error.option).toBe(`${AT}.socket.tls`);
    expect(merge({ url: 'rediss://east' }, { socket: { tls: true } })).toMatchObject({
      socket: { tls: true },
    });
  });

  it.each([
    ['RESP', 3],
    ['modules', { m: {} }],
    ['scripts', { s: {} }],
    ['functions', { f: {} }],
    ['keyPrefix', 'app:'],
    ['commandOptions', { typeMapping: {} }],
  ])('%s of one database, unless it is the same as that of the group', (name, value) => {
    const error = errorOf(() => merge({ [name]: value }));
    expect(error.option).toBe(`${AT}.${name}`);
    expect(error.message).toContain('top-level `client`');
    expect(() => merge({ [name]: value }, { [name]: structuredClone(value) })).not.toThrow();
  });

  it.each([
    ['socket.host', { socket: { host: 'east' } }],
    ['password', { password: 's3cret' }],
    ['username', { username: 'u' }],
  ])('%s beside a shared URL, which would win over it', (name, own) => {
    const error = errorOf(() => merge(own, { url: 'redis://shared' }));
    expect(error.option).toBe(`${AT}.${name}`);
    expect(error.message).not.toContain('s3cret');
    expect(() => merge({ name: 'app' }, { url: 'redis://shared' })).not.toThrow();
    expect(() => merge({ ...own, url: 'redis://own' }, { url: 'redis://shared' })).not.toThrow();
  });
});
