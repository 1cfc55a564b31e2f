import { describe, expect, it } from 'vitest';
import { GroupCounters } from './counters.js';

describe('time without service', () => {
  it('grows while it goes on, and stops', () => {
    const counters = new GroupCounters();
    expect(counters.withoutServiceMs(100)).toBe(0);
    counters.serviceLost(100);
    counters.serviceLost(120);
    expect(counters.withoutServiceMs(130)).toBe(30);
    counters.serviceRestored(150);
    counters.serviceRestored(170);
    expect(counters.withoutServiceMs(1000)).toBe(50);
    counters.serviceLost(1000);
    expect(counters.withoutServiceMs(1001)).toBe(51);
  });
});

describe('switches', () => {
  it('are counted by from, to and reason', () => {
    const counters = new GroupCounters();
    counters.noteSwitch(undefined, 'a', 'initial');
    counters.noteSwitch('a', 'b', 'health-check');
    counters.noteSwitch('a', 'b', 'health-check');
    counters.noteSwitch('a', 'b', 'manual');
    expect(counters.switches).toEqual([
      { from: undefined, to: 'a', reason: 'initial', count: 1 },
      { from: 'a', to: 'b', reason: 'health-check', count: 2 },
      { from: 'a', to: 'b', reason: 'manual', count: 1 },
    ]);
  });

  it('of databases that come and go for ever do not fill the memory', () => {
    const counters = new GroupCounters();
    counters.of('stays');
    for (let n = 0; n < 5000; n += 1) {
      counters.of(`guest ${n}`);
      counters.noteSwitch('stays', `guest ${n}`, 'failback');
      counters.noteSwitch(`guest ${n}`, 'stays', 'removed');
      counters.forget(`guest ${n}`);
    }
    counters.noteSwitch('stays', undefined, 'health-check');
    expect(counters.switches.length).toBeLessThan(502);
    expect(counters.switches).toContainEqual({
      from: 'stays',
      to: undefined,
      reason: 'health-check',
      count: 1,
    });
  });
});

it('counts probes by check and outcome, and the latency of those that passed', () => {
  const counters = new GroupCounters().of('a');
  const probe = { check: 'ping', cause: undefined, at: new Date(0), latencyMs: 3 };
  counters.noteProbe({ ...probe, healthy: true, timedOut: false });
  counters.noteProbe({ ...probe, healthy: false, timedOut: false });
  counters.noteProbe({ ...probe, healthy: false, timedOut: true, latencyMs: 1000 });
  counters.noteProbe({ ...probe, healthy: true, timedOut: false, check: 'lag' });
  expect([...counters.probes.keys()]).toEqual(['ping', 'lag']);
  const ping = counters.probes.get('ping');
  expect(ping).toMatchObject({ passed: 1, failed: 1, timedOut: 1 });
  expect(ping?.latency.snapshot()).toMatchObject({ count: 1, sumMs: 3 });
});

it('keeps the counters of a database while it is known', () => {
  const counters = new GroupCounters();
  counters.of('a').succeeded += 1;
  expect(counters.of('a').succeeded).toBe(1);
  counters.forget('a');
  expect(counters.of('a').succeeded).toBe(0);
});
