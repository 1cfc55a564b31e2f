/** The documentation site: its build, its links, and its pages in a real Chromium. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { checkSite } from '../../scripts/docs-site/check.mjs';
import { findChromium } from '../../scripts/ensure-chromium.mjs';
import { ENTRY_POINTS } from '../../scripts/entry-points.mjs';
import { capture, root } from '../../scripts/run.mjs';
import { type Browser, type Look, startBrowser, violationsOf } from './support.js';

/** Below a path, because a site at the root hides links that forget it. */
const BASE = '/some/path/';
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

let directory: string;
let output: string;

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'redis-multidb-site-'));
  const script = path.join(root, 'scripts/docs-site.mjs');
  output = await capture(
    process.execPath,
    [script, 'build', '--base', BASE, '--out', path.join(directory, 'site')],
    { timeoutMs: 280_000 },
  );
}, 300_000);

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe('the build', () => {
  it('has no broken link', () => {
    expect(output).toMatch(/Checked the site: \d\d+ pages, \d{4,} links, 0 problems/);
  });

  it('would notice a broken link, a missing anchor, a wrong base and a foreign asset', () => {
    const site = path.join(directory, 'site');
    expect(checkSite(site, BASE).problems).toEqual([]);
    expect(checkSite(site, '/other/').problems[0]).toContain('is not below /other/');
  });
});

describe('the API reference', () => {
  const html = (file: string) => readFileSync(path.join(directory, 'site', file), 'utf8');

  it('has a page for every public symbol of every entry point', () => {
    for (const { subpath, entry } of ENTRY_POINTS) {
      const names = exportedNames(path.join(root, 'src', `${entry}.ts`));
      expect(names.length).toBeGreaterThan(0);
      const overview = html(path.join('api', `redis-multidb${subpath.slice(1)}`, 'index.html'));
      const missing = names.filter((name) => !overview.includes(`/${name}.html"`));
      expect(missing, subpath).toEqual([]);
    }
  });

  it('is what guides link to where they first mention a symbol', () => {
    expect(html('options.html')).toContain(
      `<a href="${BASE}api/redis-multidb/functions/createMultiDbClient.html"><code>createMultiDbClient</code></a>`,
    );
  });
});

describe.skipIf(findChromium() === undefined)('in Chromium', () => {
  let browser: Browser;
  let server: Server;
  let url: string;
  const open: Page[] = [];

  beforeAll(async () => {
    server = createServer(({ url: requested = '/' }, response) => {
      const { pathname } = new URL(requested, 'http://localhost');
      const file = path.join(directory, 'site', decodeURIComponent(pathname).replace(BASE, '/'));
      try {
        const content = readFileSync(pathname.endsWith('/') ? path.join(file, 'index.html') : file);
        const type = TYPES[path.extname(file) || '.html'];
        response.writeHead(200, { 'content-type': type ?? 'application/octet-stream' });
        response.end(content);
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`;
    browser = await startBrowser();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
    server?.closeAllConnections();
  });

  const complaints: string[] = [];

  afterEach(async () => {
    for (const page of open.splice(0)) await page.context().close();
    expect(complaints.splice(0)).toEqual([]);
  });

  async function visit(file: string, look?: Look): Promise<Page> {
    const page = await browser.open('about:blank', look);
    open.push(page);
    page.on('pageerror', (error) => complaints.push(`${file}: ${error}`));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${file}: ${message.text()}`);
    });
    page.on('request', (request) => {
      const target = request.url();
      if (!target.startsWith(url) && !/^(data|blob|about):/.test(target))
        complaints.push(`${file}: asks for ${target}`);
    });
    await page.goto(url + file);
    await page.locator('h1').first().waitFor();
    return page;
  }

  const API = 'api/redis-multidb/classes/CommandTimeoutError.html';

  /** One page of each kind: home, start, pictures, long tables, many headings, code, a symbol. */
  const KINDS = [
    '',
    'start.html',
    'failover.html',
    'fault-matrix.html',
    'options.html',
    '404.html',
    API,
  ];
  const LOOKS: [string, Look][] = [
    ['light', {}],
    ['dark', { scheme: 'dark' }],
    ['on a phone', { width: 390, height: 844 }],
  ];

  it('has no barriers that axe finds, and no sideways scrolling', async () => {
    const found: string[] = [];
    for (const [name, look] of LOOKS) {
      for (const file of KINDS) {
        const page = await visit(file, look);
        const where = `${file || 'index.html'}, ${name}`;
        for (const violation of await violationsOf(page)) found.push(`${where}: ${violation}`);
        const overflow = await page.evaluate<number>(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        if (overflow > 0) found.push(`${where}: ${overflow} pixels too wide`);
        await page.context().close();
      }
    }
    expect(found).toEqual([]);
  }, 240_000);

  it('searches without a service, by keyboard alone', async () => {
    const page = await visit('');
    await page.keyboard.press('Control+k');
    await page.locator('input#localsearch-input').fill('suspectAfterMs');
    await page.locator('.results .result').first().waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/some\/path\/.+\.html/);
    await page.locator('h1').first().waitFor();
    expect(await page.locator('main').innerText()).toContain('suspectAfterMs');
  });

  it('shows every chapter in the sidebar, and the pictures in the scheme of the page', async () => {
    const page = await visit('failover.html', { scheme: 'dark' });
    const headings = await page.locator('.VPSidebar h2').allInnerTexts();
    expect(headings).toEqual(['Start', 'Understand', 'Use', 'Operate', 'Trust', 'Reference']);
    const broken = await page.evaluate<number>(
      '[...document.querySelectorAll("main img")].filter((image) => image.naturalWidth === 0).length',
    );
    expect(broken).toBe(0);
    expect(await page.locator('main img').count()).toBe(5);
    expect(await page.locator('.edit-link-button').count()).toBe(0);
  });
});

/** The names that an entry point exports, re-exported ones included. */
function exportedNames(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const lists = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) =>
    list.split(','),
  );
  const listed = lists.map((name) =>
    name
      .trim()
      .replace(/^type /, '')
      .replace(/^.* as /, ''),
  );
  const declared = [
    ...text.matchAll(/^export (?:async )?(?:function|class|interface|type|const) (\w+)/gm),
  ].map(([, name = '']) => name);
  return [...new Set([...listed.filter(Boolean), ...declared])];
}
