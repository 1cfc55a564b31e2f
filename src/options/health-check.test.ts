import { expect, it } from 'vitest';
import { ANY_SUCCESS } from '../core/probing-policy.js';
import { InvalidOptionError } from '../errors.js';
import { PingStrategy } from '../health-strategies/ping.js';
import { resolveHealthChecks } from './health-check.js';

const AT = 'healthCheck';
const TIMING = { intervalMs: 5000, timeoutMs: 1000, numProbes: 3, delayInBetweenProbesMs: 500 };

class MyStrategy {
  async check() {
    return true;
  }
}

it('is a PING when nothing is said, and nothing for false', () => {
  const [check, ...others] = resolveHealthChecks(undefined, AT);
  expect(others).toEqual([]);
  expect(check).toMatchObject({ name: 'PING', ...TIMING });
  expect(check?.strategy).toBeInstanceOf(PingStrategy);
  expect(check?.policy({ successes: 1, failures: 0, numProbes: 1 })).toBe('success');
  expect(resolveHealthChecks(false, AT)).toEqual([]);
});

it('takes a strategy as it is, with its name, its class or custom', () => {
  const mine = new MyStrategy();
  expect(resolveHealthChecks(mine, AT)[0]).toMatchObject({ name: 'MyStrategy', ...TIMING });
  expect(resolveHealthChecks(mine, AT)[0]?.strategy).toBe(mine);
  expect(resolveHealthChecks({ check: () => true }, AT)[0]?.name).toBe('custom');
  expect(resolveHealthChecks({ name: 'mine', check: () => true }, AT)[0]?.name).toBe('mine');
});

it('takes a function as a strategy', async () => {
  const [check] = resolveHealthChecks(async function reachable() {
    return true;
  }, AT);
  expect(check).toMatchObject({ name: 'reachable', ...TIMING });
  expect(await check?.strategy.check({} as never)).toBe(true);
  expect(resolveHealthChecks([() => true], AT)[0]?.name).toBe('custom');
});

it('takes an object with parts; the others are the defaults', () => {
  const mine = new MyStrategy();
  const setting = { strategy: mine, intervalMs: 10, timeoutMs: 2000, policy: ANY_SUCCESS };
  const [check] = resolveHealthChecks(setting, AT);
  expect(check).toEqual({
    name: 'MyStrategy',
    role: 'full',
    adaptiveTimeout: false,
    strategy: mine,
    intervalMs: 10,
    timeoutMs: 2000,
    numProbes: 3,
    delayInBetweenProbesMs: 500,
    policy: ANY_SUCCESS,
  });
  expect(resolveHealthChecks({ policy: 'ANY_SUCCESS' }, AT)[0]).toMatchObject({
    name: 'PING',
    policy: ANY_SUCCESS,
  });
});

it('takes an array of all forms', () => {
  const checks = resolveHealthChecks([new MyStrategy(), () => true, { numProbes: 1 }], AT);
  expect(checks.map(({ name }) => name)).toEqual(['MyStrategy', 'custom', 'PING']);
});

it.each([
  [true, 'healthCheck: expected `false`'],
  ['PING', 'healthCheck: expected `false`'],
  [null, 'healthCheck: expected `false`'],
  [[], 'healthCheck: expected false, or an array of at least one'],
  [[false], 'healthCheck[0]: expected'],
  [MyStrategy, 'an instance, not the class'],
  [{ check: 5 }, 'healthCheck: expected an object with `check(probe)`'],
  [{ strategy: {} }, 'healthCheck.strategy: expected an object with `check(probe)`'],
  [{ strategy: null }, 'healthCheck.strategy: expected'],
  [{ strategy: MyStrategy }, 'healthCheck.strategy: expected'],
  [{ policy: 'SOME' }, "healthCheck.policy: expected 'ALL_SUCCESS'"],
  [{ policy: 'toString' }, 'healthCheck.policy: expected'],
  [{ policy: null }, 'healthCheck.policy: expected'],
  [{ interval: 5 }, 'did you mean intervalMs'],
  [[{}, { timeoutMs: 0 }], 'healthCheck[1].timeoutMs: expected milliseconds from 1'],
  [{ numProbes: 1.5 }, 'healthCheck.numProbes: expected an integer'],
])('rejects %j', (setting, message) => {
  expect(() => resolveHealthChecks(setting, AT)).toThrow(InvalidOptionError);
  expect(() => resolveHealthChecks(setting, AT)).toThrow(message);
});
