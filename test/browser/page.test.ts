/** The status page in a real Chromium: failover, failback, manual changes, accessibility. */
import type { Locator, Page } from 'playwright-core';
import { createMultiDbClient } from 'redis-multidb';
import type { HttpHandlerOptions } from 'redis-multidb/http';
import { redisSteering } from 'redis-multidb/steering';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../scripts/ensure-chromium.mjs';
import { report } from '../../src/drill/report/report.js';
import { sampleResult } from '../drill/sample-result.js';
import { startRedis, stopAll, waitFor } from '../kit/index.js';
import {
  type Application,
  type Browser,
  type Look,
  serveClient,
  startApplication,
  startBrowser,
  violationsOf,
} from './support.js';

const ALLOW = { authorize: () => true } satisfies HttpHandlerOptions;
/** A new source for each client, as in several processes. */
const steering = () => redisSteering({ key: 'ops:steering', secret: 'sesame', intervalMs: 50 });

let browser: Browser;
const cleanUps: (() => Promise<unknown>)[] = [];
const complaints: string[] = [];

describe.skipIf(findChromium() === undefined)('the page', () => {
  beforeAll(async () => {
    browser = await startBrowser();
  }, 60_000);

  afterAll(async () => {
    await browser.close();
  });

  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
    await stopAll();
    // Errors of the script, and violations of the Content-Security-Policy.
    expect(complaints.splice(0)).toEqual([]);
  });

  async function application(options?: HttpHandlerOptions, gracePeriodMs?: number) {
    const started = await startApplication(options, gracePeriodMs);
    cleanUps.push(() => started.stop());
    return started;
  }

  async function open({ url }: Pick<Application, 'url'>, look?: Look): Promise<Page> {
    const page = await browser.open('about:blank', look);
    cleanUps.push(() => page.context().close());
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(url);
    await page.locator('.database').first().waitFor();
    return page;
  }

  const card = (page: Page, id: string) =>
    page.locator('.database', { has: page.getByRole('heading', { name: id, exact: true }) });

  it('follows a kill and a failback, and tells both to a screen reader', async () => {
    const app = await application({}, 5000);
    const page = await open(app);
    await page.getByText('frankfurt is serving').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    await app.servers[0].kill();
    await page.getByText('dublin is serving in place of frankfurt').waitFor();
    expect(await page.locator('#state').getAttribute('data-tone')).toBe('warn');
    expect(await page.locator('#why').innerText()).toMatch(
      /^Since .*: health check failed \(frankfurt: .*\)\.$/,
    );
    await card(page, 'frankfurt').getByText('unhealthy', { exact: true }).waitFor();
    await card(page, 'frankfurt')
      .getByText(/Grace period ends in/)
      .waitFor();
    await card(page, 'frankfurt').locator('.failed').first().waitFor({ state: 'attached' });
    const first = page.locator('#timeline li').first();
    expect(await first.innerText()).toMatch(
      /frankfurt\s+to\s+dublin[\s\S]*health check failed[\s\S]*ECONNREFUSED/,
    );
    expect(await page.locator('#announcer').textContent()).toMatch(
      /^dublin is active now, in place of frankfurt: health check failed\. .*after the first sign$/,
    );
    expect(await page.locator('#explanation').innerText()).toContain('active: dublin');

    await app.servers[0].restart();
    await page.getByText('frankfurt is serving').waitFor();
    expect(await page.locator('#timeline li').first().innerText()).toContain('failback');
    await page
      .locator('#announcer', { hasText: /frankfurt is active now.*failback/ })
      .waitFor({ state: 'attached' });
    expect(await card(page, 'frankfurt').getAttribute('data-active')).toBe('true');
    // Nobody may change anything here.
    expect(await page.getByRole('button').count()).toBe(0);
  });

  it('says when nothing serves, and when the application is gone', async () => {
    const app = await application();
    const page = await open(app);
    await Promise.all(app.servers.map((server) => server.kill()));
    await page.getByText('No database can serve').first().waitFor();
    await page
      .locator('#alarm', { hasText: /^No database can serve; \w+ was left/ })
      .waitFor({ state: 'attached' });
    expect(await page.locator('#state').getAttribute('data-tone')).toBe('bad');
    await app.stopServing();
    await page.getByText(/Connection lost, trying again; state of /).waitFor();
    // What Chromium logs of a connection that was refused is the point here.
    complaints.splice(0);
  });

  it('switches by keyboard alone, after saying what will happen', async () => {
    const app = await application(ALLOW);
    const page = await open(app);
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const focused = () => page.evaluate("document.activeElement?.textContent ?? ''");
    await waitFor(
      async () => {
        await press('Tab');
        return (await focused()) === 'Make active… dublin';
      },
      { what: 'the button to have the focus' },
    );
    await press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Make dublin the active database?' });
    await dialog.waitFor();
    expect(await dialog.innerText()).toContain('New commands go to dublin at once.');
    expect(await dialog.innerText()).toContain('Until the next automatic failback to frankfurt');
    await press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(await focused()).toBe('Make active… dublin');
    expect(app.requests.filter((request) => request.startsWith('POST'))).toEqual([]);

    await press('Enter');
    await dialog.waitFor();
    // From Cancel back to the durations, where "For 10 minutes" is selected.
    await press('Shift+Tab', 'Enter');
    await page.getByText('dublin is serving').waitFor();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByText(/^Switched to dublin, until \d/).waitFor();
    expect(app.client.explain().active?.why).toMatch(
      /^forced for another 5\d\d\.\d s|^forced for another 600/,
    );
    expect(app.requests.filter((request) => request.startsWith('POST'))).toEqual(['POST /active']);
  });

  it('drains and resumes, and shows why a switch is refused', async () => {
    const app = await application(ALLOW);
    const page = await open(app);
    // Nothing to publish to.
    expect(await page.getByRole('button', { name: /^Steer/ }).count()).toBe(0);
    await page.getByRole('button', { name: 'Drain… frankfurt' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.innerText()).toContain('New commands go to dublin at once.');
    await page.getByLabel('Until resumed').check();
    await page.getByRole('button', { name: 'Drain frankfurt', exact: true }).click();
    await card(page, 'frankfurt').getByText('Drained', { exact: true }).waitFor();
    expect(app.client.activeDatabase).toBe('dublin');
    expect(app.client.databases[0]?.drainLeftMs).toBe(Number.POSITIVE_INFINITY);
    await page.getByRole('button', { name: 'Resume… frankfurt' }).click();
    await page.getByRole('button', { name: 'Resume frankfurt', exact: true }).click();
    await page.getByText('frankfurt is serving').waitFor();

    await app.servers[2].kill();
    await card(page, 'virginia').getByText('Failed', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Make active… virginia' }).click();
    expect(await dialog.innerText()).toContain('this will probably be refused');
    await page.getByRole('button', { name: 'Switch to virginia' }).click();
    await dialog.getByText(/virginia can't serve: .*ECONNREFUSED/).waitFor();
    expect(await dialog.isVisible()).toBe(true);
    await page.getByRole('button', { name: 'Cancel' }).click();
    // Chromium logs every answer that is an error.
    expect(complaints.splice(0)).toEqual([expect.stringContaining('409')]);
  });

  it('steers all processes, after saying what will happen, and says until when it holds', async () => {
    const app = await application({ ...ALLOW, steering: steering() });
    const another = createMultiDbClient({
      databases: app.servers.map(({ url }, index) => ({
        id: app.client.databases[index]?.id as string,
        weight: 1 / (index + 1),
        client: { url },
      })),
      failbackCheckIntervalMs: 100,
      steering: steering(),
    });
    cleanUps.push(async () => another.destroy());
    await another.connect();
    const everybodyOn = (id: string) =>
      waitFor(() => [app.client, another].every((client) => client.activeDatabase === id), {
        what: `both processes to use ${id}`,
        timeoutMs: 20_000,
      });
    const published = () => app.requests.filter((request) => request === 'POST /steering').length;
    const page = await open(app);
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
    await press('Steer all processes…');
    const form = page.getByRole('dialog', { name: 'Steer all processes' });
    await form.getByText('Nothing yet.').waitFor();
    await form.getByLabel('Drain: leave a database').check();
    expect(await form.getByLabel('Database', { exact: true }).inputValue()).toBe('frankfurt');
    await form
      .getByText('All processes with this steering source leave frankfurt, where another')
      .waitFor();
    await form.getByText('They do so within 10 min.').waitFor();
    await form.getByText(/^It ends by itself after 1 h, at \d.*\.$/).waitFor();
    await form.getByText('Then they return within 10 min.').waitFor();
    await form.getByLabel('Moves are spread').selectOption('not at all: all move at once');
    await form.getByText('They move at once.').waitFor();
    await form.getByLabel('Reason').fill('kernel upgrade');
    await form.getByLabel('Your name').fill('ada');
    // Enter in a field asks, and publishes nothing.
    await form.getByLabel('Your name').press('Enter');
    const question = page.getByRole('dialog', { name: 'Drain frankfurt in all processes?' });
    await question.getByText('They move at once.').waitFor();
    await question.getByText('All of them report: kernel upgrade (ada).').waitFor();
    await press('Cancel');
    expect(published()).toBe(0);
    await press('Steer all processes…');
    expect(await form.getByLabel('Reason').inputValue()).toBe('kernel upgrade');
    await press('Continue');
    await press('Drain frankfurt in all processes');
    const result = page.getByRole('dialog', { name: 'Published' });
    await result.getByText(/^Version \d+ was written to frankfurt, dublin, virginia\.$/).waitFor();
    await result.getByText(/^It holds until \d/).waitFor();
    await press('Close');
    await everybodyOn('dublin');
    await page
      .getByText(/^Steered by ada \(version \d+\): drains frankfurt \(kernel upgrade\), until /)
      .waitFor();
    expect(published()).toBe(1);

    await app.servers[2].kill();
    await card(page, 'virginia').getByText('Failed', { exact: true }).waitFor();
    await press('Steer all processes…');
    await form.getByLabel('Release').check();
    expect(await form.getByLabel('For how long?').isVisible()).toBe(false);
    expect(await form.getByLabel('Your name').inputValue()).toBe('ada');
    await form.getByText(/^It replaces version \d+ by ada \(kernel upgrade\)/).waitFor();
    await press('Continue');
    await press('Release all processes');
    await result.getByText(/^It was not written to virginia: /).waitFor();
    await press('Close');
    await everybodyOn('frankfurt');
  });

  it('offers to sign in, and only then the buttons', async () => {
    const basic = `Basic ${Buffer.from('ops:sesame').toString('base64')}`;
    const app = await application({
      authorize: ({ headers }) => headers.authorization === basic,
      challenge: 'Basic realm="redis"',
    });
    const page = await open(app, { httpCredentials: { username: 'ops', password: 'sesame' } });
    expect(await page.getByRole('button').count()).toBe(0);
    await page.getByRole('link', { name: 'Sign in to make changes' }).click();
    await page.getByRole('button', { name: 'Make active… dublin' }).waitFor();
    expect(page.url()).toBe(`${app.url}/`);
    await page.getByRole('button', { name: 'Make active… dublin' }).click();
    await page.getByLabel('Until the next automatic failback').check();
    await page.getByRole('button', { name: 'Switch to dublin' }).click();
    await waitFor(() => app.client.explain().switches.at(-1)?.reason === 'failback', {
      what: 'the switch, and the failback after it',
    });
    complaints.splice(0);
  });

  it('runs nothing of what a database is called or complains of', async () => {
    const evil = '<img src=x onerror="document.title=\'owned\'">';
    const [one, two] = await Promise.all([startRedis(), startRedis()]);
    const client = createMultiDbClient({
      databases: [
        { id: evil, weight: 1, client: { url: one.url } },
        {
          id: '__proto__',
          weight: 0.5,
          client: { url: two.url },
          healthCheck: async () => {
            throw new Error('</script><script>document.title="owned"</script>');
          },
        },
      ],
    });
    cleanUps.push(async () => client.destroy());
    await client.connect();
    const app = await serveClient(client, {
      ...ALLOW,
      title: `</title>${evil}`,
      statusIntervalMs: 50,
    });
    cleanUps.push(() => app.stop());
    const page = await open(app);
    await page.getByText(`${evil} is serving`).waitFor();
    await card(page, '__proto__').getByText(/owned/).first().waitFor();
    await page.getByRole('button', { name: `Drain… ${evil}` }).click();
    expect(await page.getByRole('dialog').innerText()).toContain(evil);
    expect(await page.title()).toBe(`</title>${evil}`);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('script').count()).toBe(1);
  });

  it('asks nobody but the handler, and works below a path', async () => {
    const app = await application({ basePath: '/ops/redis' });
    const page = await browser.open('about:blank');
    cleanUps.push(() => page.context().close());
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    for (const path of ['/ops/redis', '/ops/redis/']) {
      await page.goto(`${app.url}${path}`);
      await page.getByText('frankfurt is serving').waitFor();
    }
    const own = ['', '/', '/events', '/history'].map((path) => `${app.url}/ops/redis${path}`);
    expect(new Set(asked.filter((url) => !url.startsWith('data:')))).toEqual(new Set(own));
  });

  const LOOKS: [string, Look][] = [
    ['light', {}],
    ['dark', { scheme: 'dark' }],
    ['on a phone', { width: 390, height: 844 }],
    ['on a phone, in the dark', { width: 390, height: 844, scheme: 'dark' }],
    ['on a narrow phone', { width: 320, height: 568, reducedMotion: 'reduce' }],
  ];

  it('has no barriers that axe finds, and no sideways scrolling', async () => {
    const app = await application({ ...ALLOW, steering: steering() });
    await app.servers[0].kill();
    await app.client.drainDatabase('virginia');
    const found: unknown[] = [];
    for (const [name, look] of LOOKS) {
      const page = await open(app, look);
      await page.getByText('dublin is serving').waitFor();
      await card(page, 'frankfurt')
        .getByText(/Grace period/)
        .first()
        .waitFor();
      const check = async (where: string) => {
        const violations = await violationsOf(page);
        found.push(...violations.map((violation) => `${name}, ${where}: ${violation}`));
        const overflow = await page.evaluate<number>(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        if (overflow > 0) found.push(`${name}, ${where}: ${overflow} pixels too wide`);
        // The plot does not clip its line, so the line is measured as well as the chart.
        const covered = await page.evaluate<number>(
          `[...document.querySelectorAll('.plot')].filter((plot) => {
            const { bottom } = plot.querySelector('.scale').getBoundingClientRect();
            const drawn = [plot.querySelector('.chart'), ...plot.querySelectorAll('.line')];
            return drawn.some((each) => each.getBoundingClientRect().top < bottom);
          }).length`,
        );
        if (covered > 0) found.push(`${name}, ${where}: the label of ${covered} plots is crossed`);
      };
      await check('the page');
      await page.getByRole('button', { name: 'Make active… virginia' }).click();
      await check('the dialog');
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Steer all processes…' }).click();
      await page.getByLabel('Hold: prefer a database').check();
      await check('the dialog that steers');
    }
    await Promise.all(app.servers.map((server) => server.kill()));
    const page = await open(app, { scheme: 'dark' });
    await page.getByText('No database can serve').first().waitFor();
    found.push(...(await violationsOf(page)));
    expect(found).toEqual([]);
  }, 120_000);

  it('shows in a report on a phone that wide tables scroll, and where they end', async () => {
    const page = await browser.open('about:blank', { width: 320, height: 568 });
    cleanUps.push(() => page.context().close());
    const name = 'failureDetector.slidingWindowSizeMs';
    const setting = { name, value: '123456789', defaultValue: '123456789' };
    await page.setContent(report(sampleResult({ settings: [setting] })));
    const sideways = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
    expect(await page.evaluate(sideways)).toBe(false);
    // Only the backgrounds remain, whose colour at an edge is the sign.
    await page.addStyleTag({ content: '.scroll > * { visibility: hidden }' });
    let scrolling = 0;
    for (const table of await page.locator('.scroll').all()) {
      await table.scrollIntoViewIfNeeded();
      const box = await table.boundingBox();
      if (box === null) throw new Error('the table is not visible');
      const pixel = async (x: number) => {
        const y = box.y + box.height / 2;
        const png = await page.screenshot({ clip: { x: box.x + x, y, width: 1, height: 1 } });
        return png.toString('base64');
      };
      const edges = async () => {
        const blank = await pixel(box.width / 2);
        const shaded = [await pixel(1), await pixel(box.width - 2)].map((each) => each !== blank);
        return { left: shaded[0], right: shaded[1] };
      };
      if (await table.evaluate((each) => each.scrollWidth === each.clientWidth)) {
        expect(await edges()).toEqual({ left: false, right: false });
        continue;
      }
      scrolling += 1;
      expect(await edges()).toEqual({ left: false, right: true });
      await scroll(table, 30);
      expect(await edges()).toEqual({ left: true, right: true });
      await scroll(table, 10_000);
      expect(await edges()).toEqual({ left: true, right: false });
    }
    expect(scrolling).toBeGreaterThan(1);
  });
});

async function scroll(element: Locator, left: number): Promise<void> {
  await element.evaluate((each, to) => {
    each.scrollLeft = to;
  }, left);
}
