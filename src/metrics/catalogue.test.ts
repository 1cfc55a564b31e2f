import { describe, expect, it } from 'vitest';
import type { SwitchReason } from '../events.js';
import { CATALOGUE } from './catalogue.js';
import { PROBE_DURATION } from './histograms.js';
import type { Subject } from './subjects.js';

type Counted = { from: string | undefined; to: string | undefined; reason: SwitchReason };

function failovers(ids: readonly string[], switches: readonly (Counted & { count: number })[]) {
  const databases = ids.map((id) => ({ id }));
  const subject = { client: 'a', databases: [], stats: { databases, switches } };
  const [definition] = CATALOGUE;
  const points = [...(definition?.read(subject as unknown as Subject) ?? [])];
  return points.map(
    ({ labels: { from, to, reason }, value }) => `${from}>${to} ${reason} ${value}`,
  );
}

describe('failovers', () => {
  it('are there before the first one', () => {
    expect(failovers(['a', 'b'], [])).toEqual([
      'a>b automatic 0',
      'a>b manual 0',
      'b>a automatic 0',
      'b>a manual 0',
    ]);
  });

  it('go from one database to another, for two reasons', () => {
    const switches = [
      { from: undefined, to: 'a', reason: 'initial', count: 1 },
      { from: 'a', to: 'b', reason: 'health-check', count: 2 },
      { from: 'a', to: 'b', reason: 'circuit-breaker', count: 3 },
      { from: 'b', to: 'a', reason: 'failback', count: 4 },
      { from: 'b', to: 'a', reason: 'forced', count: 1 },
      { from: 'b', to: 'a', reason: 'manual', count: 1 },
      { from: 'b', to: undefined, reason: 'health-check', count: 9 },
      { from: undefined, to: 'b', reason: 'recovered', count: 9 },
      { from: 'gone', to: 'a', reason: 'removed', count: 1 },
    ] as const;
    expect(failovers(['a', 'b'], switches)).toEqual([
      'a>b automatic 5',
      'a>b manual 0',
      'b>a automatic 4',
      'b>a manual 2',
      'gone>a manual 1',
    ]);
  });
});

it('has names as Prometheus wants them', () => {
  const names = [...CATALOGUE, PROBE_DURATION].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, kind, unit } of CATALOGUE) {
    expect(name).toMatch(/^[a-z_]+$/);
    expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter']);
    expect([name, /_seconds(_total)?$/.test(name)]).toEqual([name, unit === 's']);
  }
});
