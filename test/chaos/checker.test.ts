/** The checker catches a client that breaks a promise, and a server that lost what it had. */
import { expect, it } from 'vitest';
import { History, token } from './history.js';
import { judge, type ViolationKind } from './judge.js';
import type { Place } from './place.js';
import { PLANTS } from './planted.js';
import { verdict } from './report.js';
import { type ChaosOptions, chaos } from './run.js';

/** Nothing disturbs, so that what is found is what was planted. */
const CALM: ChaosOptions = {
  seed: 1,
  durationMs: 400,
  faults: false,
  settings: {
    databases: 2,
    clients: 1,
    writers: 4,
    readers: 4,
    pauseMs: 1,
    burst: 20,
    stallsPerSecond: 0,
    safety: 'read',
    ending: 'close',
    commandDeadlineMs: 600,
  },
};

async function kindsFound(options: Partial<ChaosOptions>): Promise<ViolationKind[]> {
  const { violations } = await chaos({ ...CALM, ...options });
  return [...new Set(violations.map(({ kind }) => kind))];
}

it('finds nothing wrong with a client that is right', async () => {
  const report = await chaos(CALM);
  expect(report.violations).toEqual([]);
  expect(report.outcomes.acknowledged).toBeGreaterThan(100);
  expect(verdict(report, 'command')).toMatch(/^seed 1: clean/);
});

it.each(PLANTS)('catches a client that $name', async ({ plant, caughtAs }) => {
  expect(await kindsFound({ plant })).toContain(caughtAs);
});

it('misses what was acknowledged', async () => {
  const lose =
    (key: string) =>
    async ([place]: readonly Place[]) => {
      await (place as Place).ask('DEL', key);
    };
  expect(await kindsFound({ tamper: lose('rp:1') })).toEqual(['lost']);
  expect(await kindsFound({ tamper: lose('r:1') })).toEqual(['lost']);
  const half = async ([place]: readonly Place[], { operations }: History) => {
    const { id } = operations.find(({ kind }) => kind === 'multi') as { id: number };
    await (place as Place).ask('DEL', `m:${token(id)}:l`);
  };
  expect(await kindsFound({ tamper: half })).toEqual(['torn']);
});

it('misses an acknowledged value that an older one has overwritten', async () => {
  const overwrite = async ([place]: readonly Place[], { operations }: History) => {
    const { id } = operations.find(({ kind, target }) => kind === 'set' && target === 1) as {
      id: number;
    };
    await (place as Place).ask('SET', 'r:1', token(id));
  };
  expect(await kindsFound({ tamper: overwrite })).toEqual(['lost']);
});

it('allows what the safety allows, and no more', () => {
  const history = new History(() => 0);
  const executed = (safety: 'read' | 'accumulating') => {
    const operation = history.issue({
      kind: 'incr',
      target: 0,
      client: 0,
      safety,
      deadlineMs: 1000,
      activeAtIssue: 'east',
      switchesAtIssue: 0,
    });
    const error = { code: 'CONNECTION_LOST', maybeExecuted: true };
    history.settle(operation, { kind: 'error', error }, 0);
    return operation.id;
  };
  const [read, within, beyond] = [
    executed('read'),
    executed('accumulating'),
    executed('accumulating'),
  ];
  const { violations, repeatsAllowed } = judge({
    operations: history.operations,
    databases: [
      {
        id: 'east',
        sendings: new Map(),
        data: {
          executions: new Map([
            [read, 2],
            [within, 3],
            [beyond, 4],
          ]),
          parts: new Map(),
          lists: new Map(),
          registers: new Map(),
          entries: new Map(),
        },
      },
    ],
    handed: new Set([read, within, beyond]),
    late: new Set(),
    switches: [[]],
    maxAttempts: 3,
    loopTime: 0,
  });
  expect(violations.map(({ kind }) => kind)).toEqual(['repeated', 'repeated']);
  expect(violations.map(({ text }) => text.split(' ')[1])).toEqual([String(read), String(beyond)]);
  expect(repeatsAllowed).toBe(1);
});

it('says how to repeat what it found, and what happened before', async () => {
  const [{ plant }] = PLANTS as [(typeof PLANTS)[number]];
  const report = await chaos({ ...CALM, plant });
  const text = verdict(report, 'npm run chaos -- --seed 1 --minutes 0.1');
  expect(text).toMatch(/^seed 1: \d+ VIOLATIONS \(repeated \d+\)/);
  expect(text).toContain('repeat with: npm run chaos -- --seed 1 --minutes 0.1');
  expect(text).toContain('undefined -> east initial');
  expect(text).toMatch(/repeated: \w+ \d+ of client 0/);
});
