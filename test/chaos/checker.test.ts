/** The checker catches a client that breaks a promise, and a server that lost what it had. */
import { expect, it } from 'vitest';
import { waitFor } from '../kit/index.js';
import type { Data } from './data.js';
import { History, type Operation, token } from './history.js';
import { type DatabaseEvidence, type Evidence, judge, type ViolationKind } from './judge.js';
import type { Perform } from './perform.js';
import { Place } from './place.js';
import { PLANTS } from './planted.js';
import { verdict } from './report.js';
import { type ChaosOptions, chaos } from './run.js';
import { NO_EXTRAS } from './settings.js';

/** Nothing disturbs, so that what is found is what was planted. */
const CALM: ChaosOptions = {
  seed: 1,
  durationMs: 400,
  faults: false,
  settings: {
    databases: 2,
    clients: 1,
    moves: false,
    names: false,
    checks: ['probes', 'probes'],
    writers: 4,
    readers: 4,
    pauseMs: 1,
    burst: 20,
    stallsPerSecond: 0,
    safety: 'read',
    ending: 'close',
    commandDeadlineMs: 600,
    extras: NO_EXTRAS,
  },
};

async function kindsFound(options: Partial<ChaosOptions>): Promise<ViolationKind[]> {
  const { violations } = await chaos({ ...CALM, ...options });
  return [...new Set(violations.map(({ kind }) => kind))];
}

it('finds nothing wrong with a client that is right', async () => {
  let calls = 0;
  const counted = (perform: Perform): Perform => {
    return (client, operation) => {
      calls += 1;
      return perform(client, operation);
    };
  };
  const report = await chaos({ ...CALM, plant: counted, isEnough: () => calls > 200 });
  expect(report.violations).toEqual([]);
  expect(report.outcomes.acknowledged).toBeGreaterThan(100);
  expect(verdict(report, 'command')).toMatch(/^seed 1: clean/);
});

it.each(PLANTS)('catches a client that $name', async ({ plant, caughtAs, hasHappened }) => {
  expect(await kindsFound({ plant, isEnough: hasHappened })).toContain(caughtAs);
});

it.each(PLANTS.slice(0, 4))('catches an ioredis client that $name', async (planted) => {
  const { plant, caughtAs, hasHappened } = planted;
  expect(await kindsFound({ plant, isEnough: hasHappened, api: 'ioredis' })).toContain(caughtAs);
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
    await (place as Place).ask('DEL', `m:{${token(id)}}:l`);
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

/** An increment of client 0, called while east was active, and what became of it. */
function evidenceOf(
  safeties: readonly ('read' | 'accumulating')[],
  east: Partial<DatabaseEvidence>,
  more: Partial<Evidence> = {},
): Evidence {
  const history = new History(() => 0);
  for (const safety of safeties) {
    const where = { target: 0, client: 0, activeAtIssue: 'east', switchesAtIssue: 0 };
    const operation = history.issue({ kind: 'incr', safety, deadlineMs: 1000, ...where });
    const error = { code: 'CONNECTION_LOST', maybeExecuted: true };
    history.settle(operation, { kind: 'error', error }, 0);
  }
  const { operations } = history;
  return {
    operations,
    databases: [
      { id: 'east', sendings: new Map(), data: dataWith([]), injected: new Set(), ...east },
    ],
    handed: new Set(operations.map(({ id }) => id)),
    late: new Set(),
    switches: [[]],
    maxAttempts: 3,
    hedged: false,
    loopTime: 0,
    ...more,
  };
}

function dataWith(executions: readonly [number, number][]): Data {
  return {
    executions: new Map(executions),
    parts: new Map(),
    lists: new Map(),
    registers: new Map(),
    entries: new Map(),
  };
}

it('allows what the safety allows, and no more', () => {
  const data = dataWith([
    [0, 2],
    [1, 3],
    [2, 4],
  ]);
  const safeties = ['read', 'accumulating', 'accumulating'] as const;
  const { violations, repeatsAllowed } = judge(evidenceOf(safeties, { data }));
  expect(violations.map(({ kind }) => kind)).toEqual(['repeated', 'repeated']);
  expect(violations.map(({ text }) => text.split(' ')[1])).toEqual(['0', '2']);
  expect(repeatsAllowed).toBe(1);
});

it('catches a command that was to wait for the end of an outage, and was rejected', () => {
  const evidence = evidenceOf(['read', 'read'], {});
  const [waited, others] = evidence.operations as [Operation, Operation];
  Object.assign(waited, { deadlineMs: Number.POSITIVE_INFINITY });
  const error = { code: 'TEMPORARILY_UNAVAILABLE', maybeExecuted: false };
  for (const each of [waited, others]) each.outcome = { kind: 'error', error };
  expect(judge(evidence).violations).toMatchObject([{ kind: 'not-waited' }]);
  Object.assign(waited, { outcome: undefined, settledAt: undefined });
  expect(judge(evidence).violations).toMatchObject([{ kind: 'unsettled' }]);
});

it('catches a command on a database that was not active', () => {
  const sending = {
    connectionId: 1,
    forwarded: 'yes',
    inner: [],
    isDataLost: false,
    injected: [],
  } as const;
  const sentTo = (database: string) => new Map([[0, [{ ...sending, database, reply: undefined }]]]);
  const east = { sendings: sentTo('east') };
  expect(judge(evidenceOf(['read'], east)).violations).toEqual([]);
  const west = { id: 'west', sendings: sentTo('west') };
  const [violation] = judge(evidenceOf(['read'], west)).violations;
  expect(violation).toMatchObject({ kind: 'misdirected' });
});

it('says how to repeat what it found, and what happened before', async () => {
  const [{ plant }] = PLANTS as [(typeof PLANTS)[number]];
  const report = await chaos({ ...CALM, plant });
  const text = verdict(report, 'npm run chaos -- --seed 1 --minutes 0.1');
  expect(text).toMatch(/^seed 1: \d+ VIOLATIONS \(repeated \d+/);
  expect(text).toContain('repeat with: npm run chaos -- --seed 1 --minutes 0.1');
  expect(text).toContain('undefined -> east initial');
  expect(text).toMatch(/repeated: \w+ \d+ of client 0/);
});

it('a promoted server that is started again without its data is an empty master', async () => {
  const place = await Place.start('east', {
    persist: false,
    topology: 'client',
    moves: true,
    names: undefined,
  });
  try {
    await place.ask('SET', 'a', '1');
    // The server gives a failover up after a short time.
    await waitFor(() => place.move().then(() => true), { what: 'the move', timeoutMs: 20_000 });
    expect(await place.ask('GET', 'a')).toBe('1');
    await place.kill();
    await place.heal();
    expect(await place.ask('SET', 'b', '1')).toBe('OK');
    expect(await place.ask('GET', 'a')).toBeNull();
  } finally {
    await place.dispose();
  }
});
