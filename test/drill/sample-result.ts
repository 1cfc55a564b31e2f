import type { RunResult, StepResult } from '../../src/drill/report/model.js';

/** A small run for tests of what is made from one. */
export function sampleResult(over: Partial<RunResult> = {}): RunResult {
  return {
    title: 'redis-multidb demo',
    texts: {
      kept: 'every guarantee kept',
      counted: 'promises',
      failed: 'broken',
      promises: 'Promises',
      settings: 'Options shortened for the demo',
      settingsNote: 'All others are the defaults.',
      databasesNote: 'Three independent servers.',
      load: 'commands',
    },
    versions: ['redis-server 7.0.15'],
    startedAt: '2025-01-02T03:04:05.678Z',
    durationMs: 3000,
    databases: [
      { id: 'east', weight: 3, address: '127.0.0.1:1' },
      { id: 'west', weight: 2, address: '127.0.0.1:2' },
    ],
    settings: [{ name: 'gracePeriodMs', value: '4000', defaultValue: '60000' }],
    traffic: {
      callers: 100,
      ratePerSecond: 3000,
      reads: 1234,
      writes: 567,
      acknowledgedWrites: 560,
      maxLatencyMs: 12,
    },
    steps: [sampleStep()],
    switches: [
      { at: 10, from: undefined, to: 'east', reason: 'initial', cause: '', durationMs: 0 },
      { at: 1010, from: 'east', to: 'west', reason: 'health-check', cause: 'gone', durationMs: 4 },
    ],
    outages: [{ id: 'east', kind: 'down', from: 1000, to: 2000 }],
    samples: [0, 1000, 2000].map((at) => ({
      at,
      succeeded: at === 1000 ? 0 : 600,
      readerErrors: 0,
      writerErrors: at === 1000 ? 7 : 0,
      unavailable: 0,
      p50Ms: at === 1000 ? undefined : 0.3,
      p99Ms: at === 1000 ? undefined : 1.2,
    })),
    sampleMs: 1000,
    promises: [{ promise: 'Every command settles', evidence: '1 801 commands', violations: [] }],
    ok: true,
    ...over,
  };
}

export function sampleStep(over: Partial<StepResult> = {}): StepResult {
  return {
    title: 'Kill the active database',
    isFault: true,
    action: 'SIGKILL to east',
    beganAt: 1000,
    endedAt: 2000,
    expected: 'west',
    switchedAfterMs: 4.2,
    servedAfterMs: 5.1,
    goal: '10 ms',
    readerErrors: {},
    writerErrors: { CONNECTION_LOST: 7 },
    unavailable: {},
    repeated: 0,
    ...over,
  };
}
