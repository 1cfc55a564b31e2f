/** connect-redis under express-session: a session per browser, read and written by every request. */
import { createServer } from 'node:http';
import { RedisStore } from 'connect-redis';
import express, { type ErrorRequestHandler } from 'express';
import session from 'express-session';
import type { MultiDbClient } from 'redis-multidb';
import { expect, it } from 'vitest';
import { expectNoLeaks, type RedisServer, waitFor } from '../../kit/index.js';
import { clientOf, connected, healthy, own, recordEvents, servers, switchTo } from '../support.js';
import { expectUnknownOnly, listen, shut } from './support.js';

declare module 'express-session' {
  interface SessionData {
    views?: number;
  }
}

async function application(client: MultiDbClient) {
  const errors: unknown[] = [];
  const store = new RedisStore({ client, ttl: 60 });
  const app = express();
  app.use(session({ store, secret: 'secret', resave: false, saveUninitialized: true }));
  app.get('/', (request, response) => {
    request.session.views = (request.session.views ?? 0) + 1;
    response.json({ id: request.sessionID, views: request.session.views });
  });
  app.post('/logout', (request, response, next) => {
    request.session.destroy((error) => (error ? next(error) : response.json({})));
  });
  const onError: ErrorRequestHandler = (error, _request, response, _next) => {
    errors.push(error);
    if (!response.headersSent) response.status(503);
    response.end();
  };
  app.use(onError);
  const server = createServer(app);
  return { store, errors, server, url: await listen(server) };
}

class Browser {
  cookie = '';
  /** Of each answer, in order. */
  readonly views: number[] = [];
  id = '';

  constructor(readonly url: string) {}

  /** The status; an answer that broke off counts as 503. */
  async visit(): Promise<number> {
    try {
      const response = await fetch(this.url, { headers: { cookie: this.cookie } });
      const cookie = response.headers.get('set-cookie');
      if (cookie !== null) this.cookie = cookie.split(';')[0] ?? '';
      if (!response.ok) return response.status;
      const { id, views } = (await response.json()) as { id: string; views: number };
      this.id = id;
      this.views.push(views);
      return response.status;
    } catch {
      return 503;
    }
  }
}

/** Browsers that visit one page after another until they are stopped. */
function browse(url: string, count = 10) {
  const browsers = Array.from({ length: count }, () => new Browser(url));
  const statuses: number[] = [];
  let isRunning = true;
  const running = browsers.map(async (browser) => {
    while (isRunning) statuses.push(await browser.visit());
  });
  return {
    browsers,
    statuses,
    flows: () => {
      const goals = browsers.map((browser) => browser.views.length + 10);
      const isThere = (browser: Browser, index: number) =>
        browser.views.length >= (goals[index] as number);
      return waitFor(() => browsers.every(isThere), { what: 'visits', timeoutMs: 15_000 });
    },
    stop: async () => {
      isRunning = false;
      await Promise.all(running);
    },
  };
}

const storedViews = async (server: RedisServer, id: string) =>
  (JSON.parse(String(await server.command('GET', `sess:${id}`))) as { views: number }).views;

/** How often a browser was given a smaller number than before: a new session. */
const restarts = ({ views }: Browser) =>
  views.filter((value, index) => index > 0 && value !== (views[index - 1] as number) + 1);

it('loses no request and no session that was written after the switch', async () => {
  const [east, west] = await servers();
  await expectNoLeaks(async () => {
    const client = await connected([east, west]);
    const events = recordEvents(client);
    // A session is written as a whole, by its own browser: to write it again is harmless.
    const app = await application(client.withRetrySafety('last-write-wins'));
    const traffic = browse(app.url);
    await traffic.flows();
    const switched = switchTo(client, 'west');
    await east.kill();
    await switched;
    await traffic.flows();
    await traffic.stop();
    expect(events.switches).toEqual(['east>west health-check']);
    expect(app.errors).toEqual([]);
    expect(new Set(traffic.statuses)).toEqual(new Set([200]));
    for (const browser of traffic.browsers) {
      // The databases are independent, so a session begins once anew, unless it was just being
      // written and went along; whatever follows counts on.
      expect([[], [1]]).toContainEqual(restarts(browser));
      expect(await storedViews(west, browser.id)).toBe(browser.views.at(-1));
    }
    await shut(app.server);
    await client.close();
  });
});

it('with the default safety only what was being written is lost, and an error says so', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const app = await application(client);
  const traffic = browse(app.url);
  await traffic.flows();
  await east.kill();
  await traffic.flows();
  await traffic.stop();
  expectUnknownOnly(app.errors);
  expect(app.errors.length).toBeLessThanOrEqual(traffic.browsers.length);
  for (const browser of traffic.browsers) {
    expect(await storedViews(west, browser.id)).toBe(browser.views.at(-1));
  }
  await shut(app.server);
});

it('has every method of the store', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const { store, server, url } = await application(client);
  const browsers = Array.from({ length: 3 }, () => new Browser(url));
  for (const browser of browsers) expect(await browser.visit()).toBe(200);
  const switched = switchTo(client, 'west');
  await east.kill();
  await switched;
  for (const browser of browsers) expect(await browser.visit()).toBe(200);
  const ids = browsers.map(({ id }) => id).sort();
  expect(await store.length()).toBe(3);
  expect((await store.ids()).sort()).toEqual(ids);
  expect((await store.all()).map((each: { id: string }) => each.id).sort()).toEqual(ids);
  const [first] = browsers as [Browser];
  expect(await store.get(first.id)).toMatchObject({ views: 1 });
  await client.expire(`sess:${first.id}`, 5);
  await store.touch(first.id, await store.get(first.id));
  expect(await client.ttl(`sess:${first.id}`)).toBeGreaterThan(5);
  await fetch(`${url}/logout`, { method: 'POST', headers: { cookie: first.cookie } });
  expect(await store.length()).toBe(2);
  await store.clear();
  expect(await store.ids()).toEqual([]);
  await shut(server);
});

it('answers at once while every database is down, and serves again by itself', async () => {
  const [east, west] = await servers();
  const client = own(clientOf([east, west], { commandDeadlineMs: 2000 }));
  await client.connect();
  await healthy(client);
  const app = await application(client);
  const browser = new Browser(app.url);
  expect(await browser.visit()).toBe(200);
  const down = new Promise((resolve) => client.once('all-databases-down', resolve));
  await Promise.all([east.kill(), west.kill()]);
  await down;
  expect(await browser.visit()).toBe(503);
  expect(app.errors).toEqual([expect.objectContaining({ code: 'TEMPORARILY_UNAVAILABLE' })]);
  const recovered = new Promise((resolve) => client.once('recovered', resolve));
  await west.restart();
  await recovered;
  expect(await browser.visit()).toBe(200);
  expect(await storedViews(west, browser.id)).toBe(1);
  await shut(app.server);
});
