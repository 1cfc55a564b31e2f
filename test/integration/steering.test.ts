/** The steering sources against what they read: Redis, a file as Kubernetes swaps it, HTTP, OpenFeature. */
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FlagdCore } from '@openfeature/flagd-core';
import {
  InMemoryProvider,
  OpenFeature,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
} from '@openfeature/server-sdk';
import { Redis } from 'ioredis';
import type { MultiDbClient, SteeringSource } from 'redis-multidb';
import { createMultiDbRedis } from 'redis-multidb/ioredis';
import {
  fileSteering,
  httpSteering,
  openFeatureSteering,
  redisSteering,
} from 'redis-multidb/steering';
import { afterEach, expect, it } from 'vitest';
import { signed } from '../../src/steering/signature.js';
import { NameServer, startProxy, waitFor } from '../kit/index.js';
import { makeCertificates } from './health-certificates.js';
import { post, serve, WITH_TOKEN } from './http-support.js';
import { active, connected, databases, own, QUICK, servers } from './support.js';

const KEY = 'ops:steering';
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const document = (version: number, content: object = {}) => ({
  schemaVersion: 1,
  version,
  issuedAt: new Date().toISOString(),
  by: 'ada',
  reason: 'test',
  ...content,
});
const text = (version: number, content: object = {}) => JSON.stringify(document(version, content));

/** A client of two databases; what was wrong with each source, by its name. */
async function steered(steering: SteeringSource) {
  const [east, west] = await servers();
  const client = await connected([east, west], { ...QUICK, steering });
  return { client, east, west };
}

const sources = (client: Pick<MultiDbClient, 'explain'>) =>
  client.explain().steering?.sources ?? [];

/** Resolves when a source is in this state. */
function state(client: MultiDbClient, expected: string, cause = /(?:)/): Promise<unknown> {
  const isThere = () =>
    sources(client).some((each) => each.state === expected && cause.test(each.cause ?? ''));
  return waitFor(isThere, { what: `a source to be ${expected}`, timeoutMs: 20_000 });
}

it('redis: is read over the probe connections, and any one database is enough', async () => {
  const [east, west] = await servers();
  const proxies = await Promise.all([startProxy(east), startProxy(west)]);
  const without = await connected(proxies, QUICK);
  await waitFor(() => proxies.every(({ connections }) => connections >= 2), {
    what: 'the connections of a client without steering',
  });
  const usual = proxies.map(({ connections }) => connections);
  without.destroy();
  await waitFor(() => proxies.every(({ connections }) => connections === 0), {
    what: 'the connections to end',
  });
  const client = await connected(proxies, {
    ...QUICK,
    steering: redisSteering({ key: KEY, intervalMs: 20 }),
  });
  await state(client, 'absent');
  expect(proxies.map(({ connections }) => connections)).toEqual(usual);

  await west.command('SET', KEY, text(2, { prefer: 'west' }));
  await east.command('SET', KEY, text(1, { prefer: 'east' }));
  await active(client, 'west');
  await state(client, 'older');
  // Deleted, evicted, flushed: nothing changes.
  await west.command('DEL', KEY);
  await state(client, 'absent');
  expect(client.activeDatabase).toBe('west');
  for (const wrong of ['{', '[]', 'x'.repeat(100_000)]) {
    await east.command('SET', KEY, wrong);
    await state(client, 'invalid');
  }
  await east.command('DEL', KEY);
  await east.command('LPUSH', KEY, 'a list');
  await state(client, 'unreachable', /WRONGTYPE/);
  await east.kill();
  await west.command('SET', KEY, text(3, { prefer: 'west', reason: 'alone' }));
  await waitFor(() => client.explain().steering?.obeyed?.version === 3, {
    what: 'the document of the only database',
  });
});

it('redis: with a secret, only what was signed for this key is obeyed', async () => {
  const secret = 'correct horse';
  const { client, east, west } = await steered(redisSteering({ key: KEY, secret, intervalMs: 20 }));
  const good = text(2, { prefer: 'west' });
  for (const forged of [
    text(9, { prefer: 'west' }),
    signed(good, KEY, 'another secret'),
    signed(good, 'another:key', secret),
    signed(good, KEY, secret).replace('west', 'east'),
  ]) {
    await east.command('SET', KEY, forged);
    await state(client, 'invalid');
    await east.command('DEL', KEY);
    await waitFor(() => sources(client).every((each) => each.state === 'absent'), {
      what: 'the value to be gone',
    });
  }
  expect(client.activeDatabase).toBe('east');
  await west.command('SET', KEY, signed(good, KEY, secret));
  await active(client, 'west');
  expect(JSON.stringify(client.explain())).not.toContain(secret);
});

it('redis: the handler of one process steers the others, signed, whatever their API', async () => {
  const [east, west] = await servers();
  const secret = 'correct horse';
  const options = { key: KEY, secret, intervalMs: 20 };
  const steering = redisSteering(options);
  const first = await connected([east, west], { ...QUICK, steering });
  const second = own(
    createMultiDbRedis({
      ...QUICK,
      Redis,
      databases: databases([east, west]),
      steering: redisSteering(options),
    }),
  );
  const both = [first, second];
  const all = (id: string) =>
    waitFor(() => both.every((client) => client.activeDatabase === id), {
      what: `both to use ${id}`,
      timeoutMs: 20_000,
    });
  await all('east');
  const { url } = await serve(first, { ...WITH_TOKEN, steering });
  // Somebody published with a version that is far ahead of the time.
  await west.command('SET', KEY, signed(text(9_000_000_000), KEY, secret));
  const order = { action: 'drain', database: 'east', durationMs: 3_600_000 };
  const drained = await post(`${url}/steering`, { ...order, reason: 'upgrade', by: 'ada@ops' });
  const answer = (await drained.json()) as { version: number; until: string };
  expect(answer).toMatchObject({ changed: true, written: ['east', 'west'], failed: [] });
  expect(answer.version).toBe(9_000_000_001);
  expect(Date.parse(answer.until)).toBeGreaterThan(Date.now() + 3_000_000);
  await all('west');
  for (const client of both) {
    expect(client.explain().steering?.obeyed).toMatchObject({
      version: 9_000_000_001,
      by: 'ada@ops',
      reason: 'upgrade',
      asks: 'drains east',
    });
    await waitFor(() => sources(client).every((each) => each.state === 'ok'), {
      what: 'both databases to be read with the document',
    });
  }
  expect(String(await east.command('GET', KEY))).toMatch(/^hmac-sha256 [0-9a-f]{64}\n\{/);

  // Who has no token, or sits on another site, changes nothing.
  const release = { action: 'release', by: 'ada@ops' };
  const strangers: Record<string, string>[] = [
    { authorization: 'Bearer wrong' },
    { origin: 'https://evil.example' },
  ];
  for (const headers of strangers) {
    expect((await post(`${url}/steering`, release, headers)).status).toBe(403);
  }
  await west.kill();
  await all('east');
  const released = await post(`${url}/steering`, release);
  expect(await released.json()).toMatchObject({
    written: ['east'],
    failed: [{ database: 'west', error: expect.any(String) }],
    until: null,
  });
  await waitFor(
    () => both.every((client) => client.explain().steering?.obeyed?.asks === 'asks for nothing'),
    { what: 'the release', timeoutMs: 20_000 },
  );
  await east.kill();
  await waitFor(() => first.explain().state === 'down', { what: 'all to be down' });
  const lost = await post(`${url}/steering`, release);
  expect(lost.status).toBe(503);
  expect(await lost.text()).toMatch(/nothing was written \(east: .*; west: /);
  first.destroy();
  const ended = await post(`${url}/steering`, release);
  expect(ended.status).toBe(409);
});

it('file: survives the swap of a ConfigMap, half of a file, and its deletion', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'steering-'));
  closing.push(() => rm(root, { recursive: true, force: true }));
  const volume = path.join(root, 'volume');
  // As the kubelet does: a new directory, and a symbolic link that is replaced in one step.
  const publish = async (name: string, content: string) => {
    await mkdir(path.join(volume, name), { recursive: true });
    await writeFile(path.join(volume, name, 'steering.json'), content);
    await symlink(name, path.join(volume, '..data_tmp'));
    await rename(path.join(volume, '..data_tmp'), path.join(volume, '..data'));
  };
  await mkdir(volume);
  await publish('..1', text(1, { prefer: 'east' }));
  const file = path.join(volume, 'steering.json');
  await symlink('..data/steering.json', file);
  const { client } = await steered(fileSteering(file, { intervalMs: 100 }));
  expect(client.explain().steering?.obeyed?.version).toBe(1);
  await publish('..2', text(2, { prefer: 'west' }));
  await active(client, 'west');

  await unlink(file);
  await state(client, 'absent');
  expect(client.activeDatabase).toBe('west');
  const next = text(3, { prefer: 'east' });
  await writeFile(file, next.slice(0, 40));
  await state(client, 'invalid');
  await writeFile(file, next);
  await active(client, 'east');
  await rm(volume, { recursive: true });
  await mkdir(volume);
  await writeFile(file, text(4, { prefer: 'west' }));
  await active(client, 'west');
  await rm(file);
  await mkdir(file);
  await state(client, 'unreachable', /EISDIR/);
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('http: ETag, long poll, and a server that misbehaves', async () => {
  let answer: RequestListener = (_, response) => response.writeHead(404).end();
  const seen: { etag: string | undefined; prefer: string | undefined; auth: string | undefined }[] =
    [];
  const server = createServer((request, response) => {
    const { 'if-none-match': etag, prefer, authorization: auth } = request.headers;
    seen.push({ etag, prefer: String(prefer ?? ''), auth });
    answer(request, response);
  });
  const address = await listening(server);
  const credentials = async () => ({ token: 'secret-token' });
  const { client } = await steered(
    httpSteering(`http://${address}/steering`, { intervalMs: 20, timeoutMs: 300, credentials }),
  );
  await state(client, 'absent');
  expect(seen[0]).toEqual({ etag: undefined, prefer: '', auth: 'Bearer secret-token' });

  const content = text(1, { prefer: 'west' });
  answer = ({ headers }, response) => {
    if (headers['if-none-match'] === '"1"') response.writeHead(304).end();
    else response.writeHead(200, { etag: '"1"' }).end(content);
  };
  await active(client, 'west');
  await waitFor(() => seen.some(({ etag, prefer }) => etag === '"1"' && prefer === 'wait=30'), {
    what: 'a request with the ETag',
  });

  const misbehaviours: [RequestListener, RegExp][] = [
    [(_, response) => response.writeHead(500).end(), /status 500/],
    [(_, response) => response.writeHead(302, { location: '/' }).end(), /status 302/],
    [(_, response) => response.socket?.destroy(), /hang up|closed/],
    [(_, response) => response.writeHead(200).end('x'.repeat(1_000_000)), /longer than/],
    [
      (_, response) => {
        response.writeHead(200, { 'content-length': '1000' }).write('{');
        response.socket?.end();
      },
      /cut off|aborted|closed/,
    ],
    [(_, response) => void response.writeHead(200).write('{'), /no answer within/],
  ];
  for (const [act, cause] of misbehaviours) {
    answer = act;
    await state(client, 'unreachable', cause);
  }
  answer = (_, response) => response.writeHead(200).end('{"schemaVersion":1}');
  await state(client, 'invalid');
  expect(client.activeDatabase).toBe('west');

  // A server that holds the request answers when the document changes.
  let release: (() => void) | undefined;
  answer = ({ headers }, response) => {
    const headersOf = (etag: string) => ({ etag, 'preference-applied': 'wait=30' });
    if (headers['if-none-match'] !== '"2"') response.writeHead(200, headersOf('"2"')).end(content);
    else release = () => response.writeHead(200, headersOf('"3"')).end(text(3, { prefer: 'east' }));
  };
  await waitFor(() => release !== undefined, { what: 'a request that is held' });
  answer = (_, response) => response.writeHead(304).end();
  release?.();
  await active(client, 'east');
  expect(JSON.stringify(client.explain())).not.toContain('secret-token');
});

it('http: a silent name server has one lookup, however many requests ask for the name', async () => {
  const names = new NameServer();
  names.install();
  closing.push(() => names.dispose());
  names.silence('steering.test');
  const at = (name: string) =>
    httpSteering('http://steering.test:1/', { name, intervalMs: 20, timeoutMs: 50 });
  const [east, west] = await servers();
  const steering = [at('one'), at('two'), at('three')];
  const client = await connected([east, west], { ...QUICK, steering });
  await waitFor(() => sources(client).every(({ failures }) => failures >= 5), {
    what: 'requests that are given up',
  });
  expect(names.asked.filter((name) => name === 'steering.test')).toHaveLength(1);
  expect(sources(client).every(({ state }) => state === 'unreachable')).toBe(true);
});

it('http: TLS with a private authority, and no other', async () => {
  const { ca, strangerCa, server: pair } = makeCertificates();
  const server = createSecureServer(pair, (_, response) => {
    response.end(text(1, { prefer: 'west' }));
  });
  const address = await listening(server as unknown as Server);
  const [east, west] = await servers();
  const at = (name: string, trusted: string) =>
    httpSteering(`https://${address}/`, { name, intervalMs: 50, tls: { ca: trusted } });
  const client = await connected([east, west], {
    ...QUICK,
    steering: [at('stranger', strangerCa)],
  });
  await state(client, 'unreachable', /certificate/);
  const other = await connected([east, west], {
    ...QUICK,
    initialWaitMs: 0,
    databases: [
      { id: 'east', weight: 1, client: { url: east.url } },
      { id: 'west', weight: 0.5, client: { url: west.url } },
    ],
    steering: [at('stranger', strangerCa), at('friend', ca)],
  });
  await active(other, 'west');
  expect(() => httpSteering('ftp://x')).toThrow(/url: expected an http/);
  expect(() => httpSteering('https://user:pass@x')).toThrow(/without credentials/);
});

it('openFeature: follows an object flag of the provider', async () => {
  const flag = (value: object) => ({
    steering: { variants: { on: value }, defaultVariant: 'on', disabled: false },
  });
  const provider = new InMemoryProvider(flag({}) as never);
  await OpenFeature.setProviderAndWait('steering-test', provider);
  closing.push(() => OpenFeature.close());
  const flags = OpenFeature.getClient('steering-test');
  const { client } = await steered(
    openFeatureSteering(flags, 'steering', { intervalMs: 3_600_000 }),
  );
  await state(client, 'absent');
  // Only the event of the provider leads to another reading.
  await provider.putConfiguration(flag(document(1, { prefer: 'west' })) as never);
  await active(client, 'west');
  await provider.putConfiguration(flag({ schemaVersion: 3 }) as never);
  await state(client, 'invalid');
  await provider.putConfiguration({});
  await state(client, 'unreachable', /steering|FLAG_NOT_FOUND/);
  expect(client.activeDatabase).toBe('west');
});

it('openFeature: follows a flag in the file format of flagd, with targeting', async () => {
  const evaluator = new FlagdCore();
  const changes = new OpenFeatureEventEmitter();
  const provider = {
    metadata: { name: 'flagd' },
    runsOn: 'server',
    events: changes,
    resolveBooleanEvaluation: async (...args) => evaluator.resolveBooleanEvaluation(...args),
    resolveStringEvaluation: async (...args) => evaluator.resolveStringEvaluation(...args),
    resolveNumberEvaluation: async (...args) => evaluator.resolveNumberEvaluation(...args),
    resolveObjectEvaluation: async (...args) => evaluator.resolveObjectEvaluation(...args),
  } satisfies Provider;
  const file = (defaultVariant: string, state = 'ENABLED') => {
    const drain = document(2, { drain: ['east'] });
    const variants = { none: {}, drain, canary: document(1, { prefer: 'west' }) };
    const targeting = { if: [{ '==': [{ var: 'team' }, 'payments'] }, 'canary', defaultVariant] };
    const flags = { steering: { state, variants, defaultVariant: 'none', targeting } };
    evaluator.setConfigurations(JSON.stringify({ flags }));
    changes.emit(ProviderEvents.ConfigurationChanged, { flagsChanged: ['steering'] });
  };
  file('none');
  await OpenFeature.setProviderAndWait('steering-flagd', provider);
  closing.push(() => OpenFeature.close());
  const of = (team: string) => {
    const flags = OpenFeature.getClient('steering-flagd').setContext({ team });
    return steered(openFeatureSteering(flags, 'steering', { intervalMs: 3_600_000 }));
  };
  const [{ client: payments }, { client: others }] = [await of('payments'), await of('orders')];
  await active(payments, 'west');
  await state(others, 'absent');
  expect(others.activeDatabase).toBe('east');
  file('drain');
  await active(others, 'west');
  expect(others.explain().steering?.obeyed).toMatchObject({ version: 2, asks: 'drains east' });
  expect(payments.explain().steering?.obeyed).toMatchObject({ version: 1 });
  file('drain', 'DISABLED');
  await state(others, 'absent');
  expect(others.activeDatabase).toBe('west');
});
