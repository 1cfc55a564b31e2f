import { expect, it } from 'vitest';
import type { Subject } from './subjects.js';
import { SWITCH_METRICS } from './switch-metrics.js';

const subject = {
  stats: {
    databases: [{ id: 'east' }, { id: 'west' }],
    switches: [
      { from: undefined, to: 'east', reason: 'initial', count: 1 },
      { from: 'east', to: 'west', reason: 'health-check', count: 2 },
      { from: 'east', to: 'west', reason: 'slow', count: 1 },
      { from: 'west', to: 'east', reason: 'steered', count: 4 },
      { from: 'west', to: undefined, reason: 'health-check', count: 1 },
    ],
  },
} as unknown as Subject;

function read(name: string): string[] {
  const metric = SWITCH_METRICS.find((each) => each.name === name);
  return [...(metric?.read(subject) ?? [])].map(
    ({ labels: { from, to, reason }, value }) => `${from}>${to} ${reason}: ${value}`,
  );
}

it('failovers have two reasons, lead from one database to another, and begin at 0', () => {
  expect(read('failovers_total')).toEqual([
    'east>west automatic: 3',
    'east>west manual: 0',
    'west>east automatic: 0',
    'west>east manual: 4',
  ]);
});

it('switches have every reason, and name the missing database', () => {
  expect(read('switches_total')).toEqual([
    'none>east initial: 1',
    'east>west health-check: 2',
    'east>west slow: 1',
    'west>east steered: 4',
    'west>none health-check: 1',
  ]);
});
