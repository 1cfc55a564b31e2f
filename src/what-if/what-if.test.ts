import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { WHAT_IF_FAULTS, type WhatIfFault, type WhatIfSubject, whatIf } from './what-if.js';

const EAST_AND_WEST = [
  { id: 'east', weight: 1 },
  { id: 'west', weight: 0.5 },
];

async function answers(subject: Partial<WhatIfSubject> = {}) {
  const result = await whatIf({ databases: EAST_AND_WEST, options: {}, ...subject });
  return new Map(result.answers.map((answer) => [answer.fault, answer]));
}

/** The lines of the fault matrix, which were measured on real servers. */
const MEASURED: Partial<Record<WhatIfFault, string>> = {
  killed: 'kill (SIGKILL)',
  frozen: 'freeze (SIGSTOP)',
  'read-only': 'READONLY (became a replica)',
  'flows dropped': 'flows forgotten (all of the active database)',
  'connections cut': 'reset once, server well',
};

function measured(fault: string) {
  const text = readFileSync(path.join(import.meta.dirname, '../../docs/fault-matrix.md'), 'utf8');
  const line = text.split('\n').find((each) => each.startsWith(`| ${fault} | 10/s | off |`)) ?? '';
  const [time = '', errors = ''] = line
    .split('|')
    .map((cell) => cell.trim())
    .slice(4);
  return {
    firstSuccessMs: Number.parseFloat(time),
    stays: time.includes('stays'),
    errors: errors === 'none' ? [] : errors.split('; '),
  };
}

describe('with default options', () => {
  it('answers as the fault matrix, which was measured on real servers', async () => {
    const simulated = await answers();
    expect([...simulated.keys()]).toEqual([...WHAT_IF_FAULTS]);
    for (const [fault, title] of Object.entries(MEASURED)) {
      const answer = simulated.get(fault as WhatIfFault)!;
      const expected = measured(title);
      expect(answer.leftAfterMs === null, fault).toBe(expected.stays);
      // A command each 100 ms: the phase between them and the fault differs.
      const tolerance = 150 + expected.firstSuccessMs / 10;
      expect(Math.abs(answer.firstSuccessAfterMs! - expected.firstSuccessMs), fault).toBeLessThan(
        tolerance,
      );
      const kinds = answer.errors.map(
        ({ command, code, maybeExecuted }) =>
          `${command} ${code}, ${maybeExecuted ? 'perhaps executed' : 'not executed'}`,
      );
      expect(kinds, fault).toEqual(expected.errors.map((each) => each.replace(/^\d+ × /, '')));
      for (const [index, each] of expected.errors.entries()) {
        const difference = answer.errors[index]!.count - Number.parseInt(each, 10);
        expect(Math.abs(difference), `${fault}: ${each}`).toBeLessThanOrEqual(1);
      }
    }
  });

  it('says when a database is returned to, and how much health checks cost', async () => {
    const { answers: all, probesPerSecond } = await whatIf({
      databases: EAST_AND_WEST,
      options: {},
    });
    const killed = all.find(({ fault }) => fault === 'killed')!;
    // One to three minutes after the failover, which was 30 s before the end of the fault.
    expect(killed.returnedAfterMs).toBeGreaterThan(30_000);
    expect(killed.returnedAfterMs).toBeLessThan(150_000);
    // Three probes in five to six seconds for each of two databases.
    expect(probesPerSecond).toBeGreaterThan(0.9);
    expect(probesPerSecond).toBeLessThan(1.3);
  });
});

it('follows the options', async () => {
  const tuned = await answers({
    options: {
      suspectAfterMs: 100,
      healthCheck: { timeoutMs: 250, numProbes: 1 },
      failbackSupported: false,
      failureDetector: { slowCallMs: 200 },
    },
  });
  expect(tuned.get('frozen')!.leftAfterMs).toBeLessThan(600);
  expect(tuned.get('killed')!.returnedAfterMs).toBeNull();
  expect(tuned.get('slow')!.leftAfterMs).not.toBeNull();
});

it('answers for one database, to which there is no alternative', async () => {
  const alone = await answers({ databases: [{ id: 'east' }] });
  const killed = alone.get('killed')!;
  expect(killed.firstSuccessAfterMs).toBeNull();
  expect(killed.errors.map(({ command }) => command)).toContain('read');
  expect(killed.returnedAfterMs).toBeLessThan(20_000);
});
