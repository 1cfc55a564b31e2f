import { expect, it } from 'vitest';
import type { HealthCheck } from './health-check.js';
import { ProbeWaiters } from './probe-waiters.js';

const [PING, ECHO] = ['PING', 'ECHO'].map((name) => ({ options: { name } })) as [
  HealthCheck,
  HealthCheck,
];
const WELL = { healthy: true, cause: undefined, error: undefined, latencyMs: 1 };
const ILL = { ...WELL, healthy: false, error: new Error('refused') };

it('waits for a healthy probe of each check', async () => {
  const waiters = new ProbeWaiters();
  let isOver = false;
  const verdict = waiters.next([PING, ECHO]).finally(() => {
    isOver = true;
  });
  waiters.onProbe(PING, WELL);
  waiters.onProbe(PING, WELL);
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  expect(isOver).toBe(false);
  waiters.onProbe(ECHO, WELL);
  expect(await verdict).toEqual({ healthy: true, cause: undefined, error: undefined });
});

it('the first probe that fails is the verdict, for each waiter', async () => {
  const waiters = new ProbeWaiters();
  const verdicts = [waiters.next([PING, ECHO]), waiters.next([ECHO])];
  waiters.onProbe(ECHO, ILL);
  waiters.onProbe(ECHO, WELL);
  for (const each of await Promise.all(verdicts)) {
    expect(each).toEqual({ healthy: false, cause: 'ECHO: failed', error: ILL.error });
  }
});

it('without checks the verdict is healthy', async () => {
  expect(await new ProbeWaiters().next([])).toMatchObject({ healthy: true });
});
