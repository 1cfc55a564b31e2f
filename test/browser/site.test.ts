/** The documentation site: its build, its links, and its pages in a real Chromium. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { checkSite } from '../../scripts/docs-site/check.mjs';
import { findChromium } from '../../scripts/ensure-chromium.mjs';
import { ENTRY_POINTS } from '../../scripts/entry-points.mjs';
import { capture, root } from '../../scripts/run.mjs';
import { INITIAL } from '../../site/playground/config.js';
import { World } from '../../site/playground/world.js';
import { whatIf } from '../../src/what-if/what-if.js';
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
    { timeoutMs: 580_000 },
  );
}, 600_000);

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe('the build', () => {
  it('has no broken link', () => {
    expect(output).toMatch(/Checked the site: \d\d+ pages, \d{4,} links, 0 problems/);
  });

  it('would notice a broken link, a missing anchor, a wrong base and a foreign asset', () => {
    const site = mkdtempSync(path.join(directory, 'broken-'));
    const link = (to: string) => `<a href="${to}">x</a>`;
    const links = ['/b/gone.html', '#gone', '/elsewhere/', '/b/', 'https://example.com'].map(link);
    writeFileSync(
      path.join(site, 'index.html'),
      `<h1 id="top">x</h1>${links.join('')}<script src="https://example.com/x.js"></script>`,
    );
    writeFileSync(path.join(site, 'style.css'), '@font-face { src: url(https://example.com/x) }');
    expect(checkSite(site, '/b/').problems).toEqual([
      'index.html: /b/gone.html: no such file',
      'index.html: #gone: no such anchor',
      'index.html: /elsewhere/: is not below /b/',
      'index.html: loads https://example.com/x.js',
      'style.css: loads https://example.com/x',
    ]);
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
    if (file.startsWith('playground')) await page.getByText('east is active').waitFor();
    return page;
  }

  const API = 'api/redis-multidb/classes/CommandTimeoutError.html';

  /** One page of each kind: home, start, pictures, long tables, many headings, a symbol, files, the playground. */
  const KINDS = [
    '',
    'start.html',
    'failover.html',
    'fault-matrix.html',
    'options.html',
    '404.html',
    API,
    'guides/kubernetes.html',
    'playground.html',
  ];
  const DEVICES: [string, Look][] = [
    ['', {}],
    [', on a phone', { width: 390, height: 844 }],
  ];

  /** By how many pixels the page is wider than the window. */
  const overflowOf = (page: Page) =>
    page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );

  it('has no barriers that axe finds, and no sideways scrolling', async () => {
    const found: string[] = [];
    for (const [device, look] of DEVICES) {
      for (const file of KINDS) {
        const page = await visit(file, look);
        const where = `${file || 'index.html'}${device}`;
        // The page follows the scheme of the system while it is open: one visit for both.
        for (const scheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme: scheme });
          await page.locator(scheme === 'dark' ? 'html.dark' : 'html:not(.dark)').waitFor();
          for (const violation of await violationsOf(page))
            found.push(`${where}, ${scheme}: ${violation}`);
        }
        const widths = device === '' ? [1120] : [390, 320];
        for (const width of widths) {
          await page.setViewportSize({ width, height: 844 });
          const overflow = await overflowOf(page);
          if (overflow > 0) found.push(`${where}, ${width}: ${overflow} pixels too wide`);
        }
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
    expect(headings).toEqual([
      ...['Start', 'Understand', 'Use', 'Guides', 'Operate', 'Trust', 'Reference'],
    ]);
    const broken = await page.evaluate<number>(
      '[...document.querySelectorAll("main img")].filter((image) => image.naturalWidth === 0).length',
    );
    expect(broken).toBe(0);
    expect(await page.locator('main img').count()).toBe(5);
    expect(await page.locator('.edit-link-button').count()).toBe(0);
  });

  describe('the playground', () => {
    const step = (page: Page, name = 'Step 1 s') => page.getByRole('button', { name }).click();
    const fault = (page: Page, id: string, name: string) =>
      page
        .getByRole('group', { name: `Faults of ${id}` })
        .getByRole('button', { name, exact: true })
        .click();

    it('decides as the engine in Node.js does for the same schedule', async () => {
      const page = await visit('playground.html');
      const world = new World(INITIAL);
      world.start();
      await world.advance(100);
      const schedule = [
        ['kill', 'Kill', 'east'],
        ['freeze', 'Freeze', 'west'],
        ['restore', 'Restore', 'east'],
        ['readonly', 'Read-only', 'east'],
        ['restore', 'Restore', 'west'],
        ['cut', 'Cut connections', 'west'],
        ['forget', 'Drop flows', 'west'],
        ['move', 'Move name', 'west'],
        ['slow', 'Slow', 'west'],
      ] as const;
      for (const [name, label, id] of schedule) {
        for (let second = 0; second < 4; second += 1) {
          await step(page);
          await world.advance(1000);
        }
        await fault(page, id, label);
        world.apply(name, id);
      }
      await step(page, 'Skip 1 min');
      await world.advance(60_000);
      await page.getByText(`${(world.clock.now() / 1000).toFixed(1)} s`, { exact: true }).waitFor();

      const shown = await page.locator('.pg-timeline li').allInnerTexts();
      const expected = world.timeline.map(({ at, text }) => `${(at / 1000).toFixed(3)} s ${text}`);
      expect(shown.reverse()).toEqual(expected);
      expect(expected.filter((line) => / to .+: health-check/.test(line)).length).toBeGreaterThan(
        1,
      );
      const explained = await page
        .getByRole('region', { name: 'Explanation' })
        .locator('pre')
        .innerText();
      expect(explained).toBe(String(world.client.explain()));
      const failed = [...world.errors.values()].reduce((sum, count) => sum + count, 0);
      expect(failed).toBeGreaterThan(0);
      const counted = await page.locator('.pg-numbers').innerText();
      expect(counted).toMatch(
        new RegExp(`errors of ${world.succeeded + failed} commands\\s+${failed}`),
      );
      world.end();
    }, 120_000);

    it('validates options as createMultiDbClient does, and shares them as a link and as code', async () => {
      const page = await visit('playground.html');
      await page.getByText('Health checks', { exact: true }).click();
      const field = page.getByLabel('healthCheck.timeoutMs');
      await field.fill('-1');
      await field.press('Enter');
      const message = await page.getByRole('alert').innerText();
      expect(message).toContain('healthCheck.timeoutMs');
      expect(() => new World({ ...INITIAL, options: { 'healthCheck.timeoutMs': -1 } })).toThrow(
        message,
      );

      await field.fill('250');
      await field.press('Enter');
      await page.getByText('east is active').waitFor();
      await page.getByRole('button', { name: 'Copy link' }).click();
      expect(await page.locator('.pg-text').last().innerText()).toContain(
        '  healthCheck: { timeoutMs: 250 },',
      );
      const other = await visit(page.url().slice(url.length));
      expect(await other.locator('.pg-text').last().innerText()).toContain('timeoutMs: 250');
    });

    it('answers what each fault would cost, as in Node.js', async () => {
      const page = await visit('playground.html');
      await page.getByRole('button', { name: 'Simulate every fault' }).click();
      await page.getByText('Every fault is simulated.').waitFor({ timeout: 60_000 });
      const shown = await page
        .getByRole('region', { name: 'What if' })
        .locator('tbody tr')
        .allInnerTexts();
      const databases = INITIAL.databases.map(({ jitterMs: _, ...rest }) => rest);
      const { answers } = await whatIf({ databases, options: {} });
      expect(shown).toHaveLength(answers.length);
      for (const [index, { fault, leftAfterMs, errors }] of answers.entries()) {
        expect(shown[index]).toContain(fault);
        expect(shown[index]).toMatch(leftAfterMs === null ? /stays/ : /\d m?s/);
        for (const { count, command, code } of errors) {
          expect(shown[index]).toContain(`${count} × ${command} ${code}`);
        }
      }
    }, 90_000);

    it('plays at ten times the real time', async () => {
      const page = await visit('playground.html');
      await page.getByLabel('10x').check();
      await page.getByRole('button', { name: 'Play' }).click();
      await page.getByText(/^[2-9]\.\d s$/).waitFor();
      await fault(page, 'east', 'Kill');
      await page.getByText('west is active').waitFor();
      await page.getByRole('button', { name: 'Pause' }).click();
    });

    it('is less than 150 KB, compressed', async () => {
      const page = await browser.open('about:blank');
      open.push(page);
      const loaded: Promise<[string, number]>[] = [];
      page.on('response', (response) => {
        loaded.push(
          response.body().then((body) => [response.url(), gzipSync(body, { level: 9 }).length]),
        );
      });
      await page.goto(`${url}playground.html`);
      await page.getByText('east is active').waitFor();
      const sizes = await Promise.all(loaded);
      // What every page of the site loads is not part of it.
      const frame = /\/(framework|theme|app|style)\.[^/]+$/;
      const own = sizes.filter(([address]) => !frame.test(address));
      const sum = own.reduce((total, [, size]) => total + size, 0);
      expect(sum).toBeGreaterThan(50_000);
      expect(sum).toBeLessThan(150_000);
    });
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
