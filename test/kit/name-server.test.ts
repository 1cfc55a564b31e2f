import dns, { lookup } from 'node:dns';
import { lookup as lookupAsync } from 'node:dns/promises';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { NameServer, once, startProxy, startRedis, stopAll, waitFor } from './index.js';

let names: NameServer;

afterEach(async () => {
  names.dispose();
  await stopAll();
});

const ask = (hostname: string, options: dns.LookupOptions = {}) =>
  new Promise((resolve) => {
    names.lookup(hostname, options, (error, address) => resolve(error?.code ?? address));
  });

test('answers as dns.lookup: one address or all, by family, or ENOTFOUND', async () => {
  names = new NameServer({ 'east.test': ['127.0.0.1', '::1', '127.0.0.2'] });
  expect(await ask('east.test')).toBe('127.0.0.1');
  expect(await ask('east.test', { family: 6 })).toBe('::1');
  expect(await ask('east.test', { family: 'IPv4', all: true })).toEqual([
    { address: '127.0.0.1', family: 4 },
    { address: '127.0.0.2', family: 4 },
  ]);
  expect(await ask('west.test')).toBe('ENOTFOUND');
  expect(await ask('127.0.0.9')).toBe('127.0.0.9');
  expect(names.asked).toEqual(['east.test', 'east.test', 'east.test', 'west.test']);
});

test('is silent, slow or fails for one name or for all, until restore()', async () => {
  names = new NameServer({ 'east.test': '127.0.0.1', 'west.test': '127.0.0.2' });
  names.silence('east.test');
  const silent = [ask('east.test'), ask('east.test')];
  expect(await ask('west.test')).toBe('127.0.0.2');
  expect([names.pending, names.mostPending]).toEqual([2, 3]);
  // The answer is that of the moment in which it is given.
  names.set('east.test', '127.0.0.3');
  names.silence('west.test');
  const other = ask('west.test');
  names.restore('east.test');
  expect(await Promise.all(silent)).toEqual(['127.0.0.3', '127.0.0.3']);

  expect(names.pending).toBe(1);
  names.restore();
  expect(await other).toBe('127.0.0.2');

  names.delay(30);
  const before = performance.now();
  expect(await ask('west.test')).toBe('127.0.0.2');
  expect(performance.now() - before).toBeGreaterThanOrEqual(29);
  names.fail('EAI_AGAIN');
  expect(await ask('west.test')).toBe('EAI_AGAIN');
  names.restore();
  expect(await ask('west.test')).toBe('127.0.0.2');
});

test('takes the place of the lookups of the process, and gives it back', async () => {
  const original = dns.lookup;
  names = new NameServer({ 'east.test': '127.0.0.7' }).install();
  expect(await lookupAsync('east.test', { all: true })).toEqual([
    { address: '127.0.0.7', family: 4 },
  ]);
  expect(await lookupAsync('east.test', 4)).toEqual({ address: '127.0.0.7', family: 4 });
  const found = new Promise((resolve) => lookup('east.test', (_, ...rest) => resolve(rest)));
  expect(await found).toEqual(['127.0.0.7', 4]);
  names.dispose();
  expect(dns.lookup).toBe(original);
  expect(lookup).toBe(original);
});

test('a name moves to another server on the same port', async () => {
  const [before, after] = await Promise.all([startRedis(), startRedis()]);
  const first = await startProxy(before);
  const second = await startProxy(after, { host: '127.0.0.2', port: first.port });
  names = new NameServer({ 'east.test': first.host });
  const open = async () => {
    const socket = connect({ host: 'east.test', port: first.port, lookup: names.lookup });
    await once(socket, 'connect');
    socket.write('PING\r\n');
    await once(socket, 'data');
    return socket;
  };
  const old = await open();
  names.set('east.test', second.host);
  const young = await open();
  expect([first.connections, second.connections]).toEqual([1, 1]);
  old.destroy();
  young.destroy();
  await waitFor(() => first.connections + second.connections === 0, { what: 'no connection' });
});
