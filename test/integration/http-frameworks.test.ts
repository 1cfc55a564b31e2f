/** The same handler in each framework: paths, bodies, streams, the end. */
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import type { MultiDbClient } from 'redis-multidb';
import { createHttpHandler, type HttpHandler } from 'redis-multidb/http';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../kit/index.js';
import { EventReader, post, serveListener, TOKEN, WITH_TOKEN } from './http-support.js';
import { active, connected, servers } from './support.js';

async function everythingWorks(url: string, client: MultiDbClient): Promise<void> {
  expect((await fetch(url)).headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect((await fetch(`${url}/`)).status).toBe(200);
  expect(await (await fetch(`${url}/status?x=1`)).json()).toMatchObject({ activeDatabase: 'east' });
  const head = await fetch(`${url}/status`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect((await fetch(`${url}/status`, { method: 'DELETE' })).status).toBe(405);
  expect((await post(`${url}/active`, { database: 'west' }, { authorization: 'no' })).status).toBe(
    403,
  );
  const reader = await EventReader.open(url);
  await waitFor(() => reader.of('status')[0], { what: 'the status' });
  const switched = await post(`${url}/active`, { database: 'west' });
  expect([switched.status, await switched.json()]).toEqual([
    200,
    { changed: true, activeDatabase: 'west' },
  ]);
  await waitFor(() => reader.of('switch')[0], { what: 'the switch' });
  expect((await post(`${url}/databases/west/drain`, { durationMs: 60_000 })).status).toBe(200);
  await active(client, 'east');
  expect((await post(`${url}/active`, { database: 'x'.repeat(10_000) })).status).toBe(413);
  reader.close();
}

async function setUp() {
  const client = await connected(await servers(), { failbackCheckIntervalMs: 3_600_000 });
  return { client, handler: createHttpHandler(client, WITH_TOKEN) };
}

describe('Express', () => {
  it('mounts it, and goes on with what is not its own', async () => {
    const { client, handler } = await setUp();
    const app = express();
    app.use('/ops/redis', handler);
    app.get('/ops/redis/else', (_request, response) => void response.send('else'));
    app.use((_request, response) => void response.status(404).send('own 404'));
    const { url } = await serveListener(app, handler);
    await everythingWorks(`${url}/ops/redis`, client);
    expect(await (await fetch(`${url}/ops/redis/else`)).text()).toBe('else');
    expect(await (await fetch(`${url}/status`)).text()).toBe('own 404');
  });

  it('takes a body that express.json() has read, and a basePath in place of a mount', async () => {
    const { client, handler: unused } = await setUp();
    unused.close();
    const handler = createHttpHandler(client, { ...WITH_TOKEN, basePath: '/redis' });
    const app = express();
    app.use(express.json({ limit: 5000 }));
    app.use(handler.node);
    app.use((_request, response) => void response.status(404).send('own 404'));
    const { url } = await serveListener(app, handler);
    await everythingWorks(`${url}/redis`, client);
    expect(await (await fetch(`${url}/status`)).text()).toBe('own 404');
  });

  it('says so when the body is gone', async () => {
    const { handler } = await setUp();
    const app = express();
    app.use((request, _response, next) => {
      request.resume().once('end', () => next());
    });
    app.use('/redis', handler);
    const { url } = await serveListener(app, handler);
    expect((await post(`${url}/redis/active`, { database: 'west' })).status).toBe(400);
  });
});

describe('Fastify', () => {
  it('registers it with a prefix; close() ends the streams', async () => {
    const { client, handler } = await setUp();
    const app = fastify();
    app.register(handler.fastify, { prefix: '/redis' });
    app.post('/own', async (request) => request.body);
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    await everythingWorks(`${url}/redis`, client);
    // The rest of the application parses bodies as before.
    expect(await (await post(`${url}/own`, { a: 1 })).json()).toEqual({ a: 1 });
    expect((await fetch(`${url}/redis/nothing`)).status).toBe(404);
    const reader = await EventReader.open(`${url}/redis`);
    await app.close();
    await waitFor(() => reader.ended, { what: 'the stream to end' });
  });

  it('registers it without a prefix', async () => {
    const { handler } = await setUp();
    const app = fastify();
    app.register(handler.fastify);
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    expect((await fetch(`http://127.0.0.1:${port}/status`)).status).toBe(200);
    await app.close();
  });
});

describe('Fetch', () => {
  const LOCAL = { remoteAddress: '127.0.0.1' };
  const ask = (handler: HttpHandler, path: string, init?: RequestInit, context: unknown = LOCAL) =>
    handler.fetch(new Request(`http://localhost${path}`, init), context);
  const asking = (body: unknown): RequestInit => ({
    method: 'POST',
    headers: { authorization: TOKEN, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

  it('takes a Request and gives a Response', async () => {
    const { client, handler } = await setUp();
    expect(await (await ask(handler, '/status')).json()).toMatchObject({ activeDatabase: 'east' });
    expect((await ask(handler, '/nothing')).status).toBe(404);
    expect((await ask(handler, '/status', { method: 'HEAD' })).body).toBeNull();
    // Whoever doesn't say where it comes from isn't local.
    expect((await ask(handler, '/status', {}, {})).status).toBe(403);
    expect((await ask(handler, '/status', {}, { remoteAddress: '10.0.0.1' })).status).toBe(403);
    expect((await ask(handler, '/active', asking({ database: 'west' }), {})).status).toBe(200);
    expect(client.activeDatabase).toBe('west');
    expect((await ask(handler, '/active', asking('{'))).status).toBe(400);
    expect((await ask(handler, '/active', asking(''))).status).toBe(400);
    expect((await ask(handler, '/active', asking({ database: 'x'.repeat(5000) }))).status).toBe(
      413,
    );
    handler.close();
  });

  it('bounds bodies in size and time', async () => {
    const { client } = await setUp();
    const handler = createHttpHandler(client, { ...WITH_TOKEN, bodyTimeoutMs: 50 });
    const streaming = (pull: (controller: ReadableStreamDefaultController) => void) => ({
      ...asking(''),
      body: new ReadableStream({ pull }),
      duplex: 'half',
    });
    const huge = streaming((controller) => controller.enqueue(new Uint8Array(1000)));
    expect((await ask(handler, '/active', huge as RequestInit)).status).toBe(413);
    const slow = streaming(() => new Promise(() => {}) as never);
    expect((await ask(handler, '/active', slow as RequestInit)).status).toBe(408);
    const broken = streaming((controller) => controller.error(new Error('cut')));
    expect((await ask(handler, '/active', broken as RequestInit)).status).toBe(400);
    handler.close();
  });

  it('streams, drops a slow reader, and notices one that goes', async () => {
    const { client } = await setUp();
    const handler = createHttpHandler(client, { maxListeners: 1 });
    const slow = await ask(handler, '/events');
    expect((await ask(handler, '/events')).status).toBe(503);
    const error = new Error('x'.repeat(1000));
    for (let i = 0; i < 300; i += 1) client.emit('error', error);
    await expect(slow.text()).rejects.toThrow('too slow');

    const cancelled = await ask(handler, '/events');
    expect(cancelled.status).toBe(200);
    await cancelled.body?.cancel();
    const controller = new AbortController();
    const aborted = await ask(handler, '/events', { signal: controller.signal });
    expect(aborted.status).toBe(200);
    controller.abort();
    const ended = await ask(handler, '/events');
    expect(ended.status).toBe(200);
    handler.close();
    expect(await ended.text()).toContain('event: status');
  });

  it('is mounted by Hono, and routed to with a basePath', async () => {
    const { client, handler } = await setUp();
    const app = new Hono();
    app.mount('/ops/redis', (request) => handler.fetch(request, LOCAL));
    const based = createHttpHandler(client, { ...WITH_TOKEN, basePath: '/redis' });
    // What @hono/node-server gives as the environment.
    app.all('/redis/*', (context) => based.fetch(context.req.raw, context.env));
    const env = { incoming: { socket: { remoteAddress: '::1' } } };
    for (const path of ['/ops/redis/status', '/ops/redis', '/redis/status', '/redis']) {
      expect((await app.request(`http://localhost${path}`, {}, env)).status, path).toBe(200);
    }
    const switched = await app.request(
      'http://localhost/redis/active',
      asking({ database: 'west' }),
      env,
    );
    expect(switched.status).toBe(200);
    handler.close();
    based.close();
  });
});
