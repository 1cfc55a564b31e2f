/**
 * docs/metrics.md has every metric; the dashboard and the alert rules ask for metrics, labels and
 * values of labels that are exported by a real client, and for nothing else.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Registry } from 'prom-client';
import { createMultiDbClient } from 'redis-multidb';
import { prometheusMetrics } from 'redis-multidb/prometheus';
import { redisSteering } from 'redis-multidb/steering';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { withMetricsTable } from '../../scripts/metrics-table.mjs';
import { ATTRIBUTES } from '../../src/metrics/metric.js';
import { startRedis, stopAll } from '../kit/index.js';
import { root } from './blocks.js';
import { page, section } from './names.js';

const read = (file: string) => readFileSync(path.join(root, 'docs', file), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const alerts = parse(read('alerts.yml')) as { groups: { name: string; rules: Rule[] }[] };
const rules = alerts.groups.flatMap(({ rules }) => rules);
const dashboard = JSON.parse(read('grafana-dashboard.json')) as {
  panels: Panel[];
  templating: { list: { name: string; type: string; query: string | { query: string } }[] };
  annotations: { list: { expr: string; titleFormat: string }[] };
};
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const variables = dashboard.templating.list.filter(({ type }) => type === 'query');

/** Labels that a scrape adds. */
const OF_SCRAPE = ['job', 'instance'];

/** By the name of each sample, the values of its labels. */
const exported = new Map<string, Map<string, Set<string>>>();

beforeAll(async () => {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const client = createMultiDbClient({
    databases: [
      { id: 'east', weight: 2, client: { url: east.url } },
      { id: 'west', client: { url: west.url } },
    ],
    steering: redisSteering({ key: 'ops:steering' }),
  });
  const register = new Registry();
  const end = prometheusMetrics({ register, clients: [client] });
  await client.connect();
  for (const line of (await register.metrics()).split('\n')) {
    const [, name = '', labels = ''] = /^(\w+)\{(.*)\} [^ ]+$/.exec(line) ?? [];
    if (name === '') continue;
    const known = exported.get(name) ?? new Map<string, Set<string>>();
    exported.set(name, known);
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      known.set(label, (known.get(label) ?? new Set()).add(value));
    }
  }
  end();
  client.destroy();
}, 30_000);

afterAll(stopAll);

/** What is wrong with an expression, by what is exported. */
function problemsOf(expr: string): string[] {
  const problems: string[] = [];
  const names = [...expr.matchAll(/\bredis_multidb_\w+/g)].map(([name]) => name);
  if (names.length === 0) problems.push('no metric');
  for (const name of names) if (!exported.has(name)) problems.push(`no such metric: ${name}`);
  for (const [, name = '', matchers = ''] of expr.matchAll(/(redis_multidb_\w+)\{([^}]*)\}/g)) {
    for (const matcher of matchers.split(',')) {
      const [, label = '', , value = ''] = /^(\w+)(=~|!~|!=|=)"([^"]*)"$/.exec(matcher) ?? [];
      const known = exported.get(name)?.get(label);
      if (known === undefined && !OF_SCRAPE.includes(label)) problems.push(`no label: ${matcher}`);
      if (known === undefined || value.startsWith('$')) continue;
      const unknown = value.split('|').filter((each) => !known.has(each));
      if (unknown.length > 0) problems.push(`no such value: ${matcher}`);
    }
  }
  const labels = new Set([...OF_SCRAPE, ...names.flatMap((name) => labelsOf(name))]);
  for (const [, list = ''] of expr.matchAll(/\bby \(([^)]*)\)/g)) {
    const unknown = list.split(', ').filter((label) => !labels.has(label));
    if (unknown.length > 0) problems.push(`no such label: by (${list})`);
  }
  const isCounter = /_(total|bucket|sum|count)$/;
  for (const [, name = ''] of expr.matchAll(/\b(?:rate|increase)\((\w+)/g)) {
    if (!isCounter.test(name)) problems.push(`the rate of a gauge: ${name}`);
  }
  for (const name of names) {
    const isRated = new RegExp(`\\b(?:rate|increase)\\(${name}(\\{[^}]*\\})?\\[`).test(expr);
    if (isCounter.test(name) && !isRated) problems.push(`a counter without a rate: ${name}`);
  }
  let depth = 0;
  for (const bracket of expr.replace(/"[^"]*"/g, '').match(/[()]/g) ?? []) {
    depth += bracket === '(' ? 1 : -1;
    if (depth < 0) break;
  }
  if (depth !== 0) problems.push('unbalanced brackets');
  return problems;
}

const labelsOf = (name: string) => [...(exported.get(name)?.keys() ?? [])];

/** The labels that a series of this expression keeps, as far as its text tells. */
function keptBy(expr: string): string[] {
  const lists = [...expr.matchAll(/\bby \(([^)]*)\)/g)].map(([, list = '']) => list.split(', '));
  if (lists.length > 0) return lists[0] ?? [];
  const names = [...expr.matchAll(/\bredis_multidb_\w+/g)].map(([name]) => name);
  return [...OF_SCRAPE, ...names.flatMap(labelsOf)];
}

describe('the judge', () => {
  it.each([
    ['rate(redis_multidb_nonsense_total[5m])', /no such metric/],
    ['redis_multidb_pending_commands{database="east"}', /no label/],
    ['rate(redis_multidb_commands_total{outcome="succeded"}[5m])', /no such value/],
    ['sum by (database) (redis_multidb_pending_commands)', /no such label/],
    ['redis_multidb_commands_total > 1', /without a rate/],
    ['rate(redis_multidb_pending_commands[5m])', /the rate of a gauge/],
    ['max((redis_multidb_pending_commands)', /unbalanced/],
    ['up == 0', /no metric/],
  ])('finds fault with %s', (expr, problem) => {
    expect(problemsOf(expr).join()).toMatch(problem);
  });
});

it('docs/metrics.md has every metric (npx tsx scripts/metrics-table.mjs)', () => {
  expect(withMetricsTable(read('metrics.md'))).toBe(read('metrics.md'));
});

it('docs/metrics.md has every attribute and every value of the labels', () => {
  const docs = page('docs/metrics.md');
  const rows = [...section(docs, 'OpenTelemetry').matchAll(/^\| `(\w+)` \| `([\w.]+)` \|$/gm)];
  const attributes = Object.fromEntries(rows.map(([, label, attribute]) => [label, attribute]));
  expect(attributes).toEqual(ATTRIBUTES);
  const text = section(docs, 'What is exported');
  const outcomes = exported.get('redis_multidb_commands_total')?.get('outcome') ?? [];
  const probes = exported.get('redis_multidb_probes_total')?.get('outcome') ?? [];
  const states = exported.get('redis_multidb_connections')?.get('state') ?? [];
  const missing = [...outcomes, ...probes, ...states].filter(
    (each) => !text.includes(`\`${each}\``),
  );
  expect(missing).toEqual([]);
});

describe.each(rules)('$alert', (rule) => {
  it('asks for what is exported', () => {
    expect(problemsOf(rule.expr)).toEqual([]);
    expect(rule.for ?? '1m').toMatch(/^\d+[smhd]$/);
    expect(['critical', 'warning', 'info']).toContain(rule.labels.severity);
  });

  it('tells of labels that its result has', () => {
    const text = Object.values(rule.annotations).join(' ');
    const named = [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
    expect(keptBy(rule.expr)).toEqual(expect.arrayContaining(named));
    expect(Object.keys(rule.annotations)).toEqual(['summary', 'description']);
  });
});

const promtool = spawnSync('promtool', ['--version']).error === undefined;
it.skipIf(!promtool)(
  'promtool accepts the alerts, and their tests pass',
  () => {
    for (const args of [
      ['check', 'rules', 'alerts.yml'],
      ['test', 'rules', 'alerts.test.yml'],
    ]) {
      const { status, stdout, stderr } = spawnSync('promtool', args, {
        cwd: path.join(root, 'docs'),
        encoding: 'utf8',
      });
      expect(status, `${stdout}${stderr}`).toBe(0);
    }
  },
  120_000,
);

it('docs/metrics.md has every alert', () => {
  const text = section(page('docs/metrics.md'), 'Prometheus');
  const documented = [...text.matchAll(/^\| `(RedisMultiDb\w+)` \|/gm)].map((match) => match[1]);
  expect(documented).toEqual(rules.map(({ alert }) => alert));
});

describe.each(panels)('panel "$title"', ({ targets = [] }) => {
  it('asks for what is exported', () => {
    expect(targets.length).toBeGreaterThan(0);
    for (const { expr, legendFormat } of targets) {
      expect([expr, problemsOf(expr)]).toEqual([expr, []]);
      const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
      expect(keptBy(expr)).toEqual(expect.arrayContaining(named));
    }
  });
});

describe('the dashboard', () => {
  it('asks for what is exported in its variables and annotations', () => {
    for (const { query } of variables) {
      const text = typeof query === 'string' ? query : query.query;
      const [, expr = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(text) ?? [];
      expect(problemsOf(expr)).toEqual([]);
      expect([...labelsOf('redis_multidb_database_active'), ...OF_SCRAPE]).toContain(label);
    }
    for (const { expr } of dashboard.annotations.list) expect(problemsOf(expr)).toEqual([]);
  });

  it('uses the variables that it has', () => {
    const own = new Set(dashboard.templating.list.map(({ name }) => name));
    const used = [...JSON.stringify(dashboard).matchAll(/\$\{?(\w+)/g)].map(
      ([, name = '']) => name,
    );
    expect(used.filter((name) => !own.has(name) && !name.startsWith('__'))).toEqual([]);
  });

  it('shows every metric, on panels that do not overlap', () => {
    const text = JSON.stringify(dashboard);
    const hidden = [...exported.keys()].filter(
      (name) => !text.includes(name) && !/_(sum|count)$/.test(name),
    );
    expect(hidden).toEqual([]);
    const cells = new Set<string>();
    const ids = new Set(dashboard.panels.map(({ id }) => id));
    expect(ids.size).toBe(dashboard.panels.length);
    for (const { gridPos, title } of dashboard.panels) {
      expect([title, gridPos.x + gridPos.w <= 24]).toEqual([title, true]);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect([title, cells.has(`${x},${y}`)]).toEqual([title, false]);
          cells.add(`${x},${y}`);
        }
      }
    }
  });
});
