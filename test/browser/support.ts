/** An application with the page, three real servers, and a real Chromium that looks at it. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { chromium, type Page } from 'playwright-core';
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb';
import { createHttpHandler, type HttpHandlerOptions } from 'redis-multidb/http';
import { findChromium } from '../../scripts/ensure-chromium.mjs';
import { type RedisServer, startRedis, waitFor } from '../kit/index.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export interface Serving {
  readonly url: string;
  /** `POST /active`, in order. */
  readonly requests: readonly string[];
  /** Ends the server alone. */
  stopServing(): Promise<void>;
  stop(): Promise<void>;
}

export interface Application extends Serving {
  readonly client: MultiDbClient;
  readonly servers: readonly [RedisServer, RedisServer, RedisServer];
}

/** frankfurt, dublin and virginia, in this order of preference, under a little traffic. */
export async function startApplication(
  options: HttpHandlerOptions = {},
  gracePeriodMs = 60_000,
): Promise<Application> {
  const servers = await Promise.all([startRedis(), startRedis(), startRedis()]);
  const [frankfurt, dublin, virginia] = servers.map(({ url }) => ({ client: { url } }));
  const client = createMultiDbClient({
    databases: [
      { id: 'frankfurt', weight: 1, ...frankfurt },
      { id: 'dublin', weight: 0.5, ...dublin },
      { id: 'virginia', weight: 0.25, ...virginia },
    ],
    // Servers are killed here and never frozen, so a long timeout costs nothing. A short one would
    // count a busy machine as a failure, and the grace period would keep that database away.
    healthCheck: { intervalMs: 500, timeoutMs: 10_000, numProbes: 1 },
    initialWaitMs: 20_000,
    gracePeriodMs,
    failbackCheckIntervalMs: 100,
    ...(options.steering === undefined ? {} : { steering: options.steering }),
  });
  await client.connect();
  await waitFor(() => client.databases.every(({ id }) => client.isHealthy(id)), {
    what: 'all to be healthy',
  });
  const traffic = setInterval(() => client.incr('counter').catch(() => {}), 5);
  const served = await serveClient(client, { statusIntervalMs: 250, ...options });
  return {
    ...served,
    client,
    servers: servers as [RedisServer, RedisServer, RedisServer],
    async stop() {
      clearInterval(traffic);
      await served.stop();
      client.destroy();
      await Promise.all(servers.map((each) => each.stop()));
    },
  };
}

/** The handler of a client behind a server of its own. */
export async function serveClient(
  client: MultiDbClient,
  options: HttpHandlerOptions,
): Promise<Serving> {
  const handler = createHttpHandler(client, options);
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  let stopped: Promise<unknown> | undefined;
  const stopServing = async () => {
    handler.close();
    server.closeAllConnections();
    stopped ??= new Promise((resolve) => server.close(resolve));
    await stopped;
  };
  return { url: `http://127.0.0.1:${port}`, requests, stopServing, stop: stopServing };
}

export interface Look {
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  readonly scale?: number;
  readonly reducedMotion?: 'reduce';
  readonly httpCredentials?: { readonly username: string; readonly password: string };
}

export interface Browser {
  open(url: string, look?: Look): Promise<Page>;
  close(): Promise<void>;
}

/** With a profile of its own, which goes when it is closed. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('there is no Chromium');
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    async open(url, { scheme = 'light', width = 1120, height = 900, scale = 1, ...rest } = {}) {
      const context = await browser.newContext({
        colorScheme: scheme,
        viewport: { width, height },
        deviceScaleFactor: scale,
        isMobile: width < 600,
        hasTouch: width < 600,
        locale: 'en-GB',
        ...rest,
      });
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
    close: () => browser.close(),
  };
}

/** What axe finds. It runs in a world of its own, so that the page's Content-Security-Policy stays in force. */
export async function violationsOf(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId } = await session.send('Page.createIsolatedWorld', {
    frameId: frameTree.frame.id,
    worldName: 'axe',
  });
  const run = async (expression: string) => {
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression,
      contextId: executionContextId,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  };
  await run(`${AXE};undefined`);
  const { violations, passed } = await run(`axe.run(document).then(({ violations, passes }) => ({
    passed: passes.map(({ id }) => id),
    violations: violations.map(({ id, nodes }) =>
      id + ': ' + nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary).join(' | ')),
  }))`);
  await session.detach();
  if (!passed.includes('color-contrast')) throw new Error('axe did not look at the page');
  return violations;
}
