import { beforeEach, describe, expect, it } from 'vitest';
import { ALL_SUCCESS, ANY_SUCCESS, MAJORITY_SUCCESS } from '../../core/probing-policy.js';
import { LoopClock } from '../../loop-clock.js';
import type { ResolvedHealthCheck } from '../../options/types.js';
import { VirtualClock } from '../../testing/index.js';
import { HealthCheck } from './health-check.js';
import type { ProbeResult } from './probe.js';
import type { ProbeLines } from './probe-target.js';

let clock: VirtualClock;
let answers: () => boolean | Promise<boolean>;
let probes: number;
let renewals: number;
let verdicts: [healthy: boolean, last: ProbeResult][];
let oneIsEnough: boolean;

beforeEach(() => {
  clock = new VirtualClock();
  answers = () => true;
  [probes, renewals, verdicts, oneIsEnough] = [0, 0, [], false];
});

function check(options: Partial<ResolvedHealthCheck> = {}): HealthCheck {
  const commands = {
    isWaiting: false,
    refusal: undefined,
    doubt: () => {},
    endDoubt: () => {},
    renew: () => {
      renewals += 1;
    },
  };
  const setting = {
    role: 'full',
    intervalMs: 5000,
    timeoutMs: 1000,
    numProbes: 3,
    delayInBetweenProbesMs: 500,
    policy: ALL_SUCCESS,
    strategy: {
      check: () => {
        probes += 1;
        return answers();
      },
    },
    ...options,
  } as unknown as ResolvedHealthCheck;
  const database = { id: 'east', options: {}, driver: { host: 'east', port: 1 } };
  return new HealthCheck(
    setting,
    {
      onRoundStart: () => {},
      onProbe: () => oneIsEnough,
      onVerdict: (_, healthy, last) => verdicts.push([healthy, last]),
      stateCheck: () => undefined,
      peers: () => [],
    },
    { database, commands, subscriptions: commands } as unknown as ProbeLines,
    { clock, loop: new LoopClock(clock, 10), random: () => 0 },
  );
}

describe('a round', () => {
  it('probes with pauses until the policy decides, and again after the interval', async () => {
    check().start();
    await clock.advance(900);
    expect([probes, verdicts.length]).toEqual([2, 0]);
    await clock.advance(200);
    expect([probes, verdicts.map(([healthy]) => healthy)]).toEqual([3, [true]]);
    await clock.advance(5000);
    expect(probes).toBe(4);
  });

  it('ends with the first failure when all probes have to succeed', async () => {
    answers = () => false;
    check().start();
    await clock.advance(1);
    expect([probes, verdicts[0]?.[0]]).toEqual([1, false]);
  });

  it('goes on after a failure when one success is enough', async () => {
    answers = () => probes > 1;
    check({ policy: ANY_SUCCESS }).start();
    await clock.advance(600);
    expect([probes, verdicts[0]?.[0]]).toEqual([2, true]);
  });

  it('ends with one healthy probe where that is enough for a verdict', async () => {
    oneIsEnough = true;
    check().start();
    await clock.advance(1);
    expect([probes, verdicts[0]?.[0]]).toEqual([1, true]);
  });

  it('says that a probe had no answer in time', async () => {
    answers = () => new Promise<boolean>(() => {});
    check().start();
    await clock.advance(1100);
    expect(verdicts[0]?.[1]).toMatchObject({ timedOut: true, cause: 'no answer within 1000 ms' });
  });
});

describe('a suspicion', () => {
  it('starts a round at once, or has the one under way go on', async () => {
    const one = check();
    one.start();
    await clock.advance(100);
    expect(probes).toBe(1);
    one.start();
    await clock.advance(1);
    expect(probes).toBe(2);
  });

  it('renews the probe connection once, however many signs there are', async () => {
    answers = () => new Promise<boolean>(() => {});
    const one = check();
    one.start();
    for (let sign = 0; sign < 5; sign += 1) one.start({ fresh: true });
    expect([probes, renewals]).toEqual([2, 1]);
    one.close();
  });

  it('restarts a round whose findings no longer count', async () => {
    answers = () => probes > 1;
    const one = check({ policy: MAJORITY_SUCCESS });
    one.start();
    await clock.advance(1);
    one.restart();
    await clock.advance(1100);
    expect(verdicts.map(([healthy]) => healthy)).toEqual([true]);
  });
});

it('does nothing once it is closed', async () => {
  const one = check();
  one.start();
  one.close();
  one.start();
  one.restart();
  await clock.advance(10_000);
  expect([verdicts, clock.pendingTimers]).toEqual([[], 0]);
});
