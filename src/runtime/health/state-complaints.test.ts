import { beforeEach, expect, it } from 'vitest';
import { StateComplaints } from './state-complaints.js';

let complaints: StateComplaints;
beforeEach(() => {
  complaints = new StateComplaints(undefined);
});

it('a repeated complaint keeps the time of the first one until all checks have passed', () => {
  expect(complaints.note('READONLY', 10)).toBe(10);
  expect(complaints.note('READONLY', 20)).toBe(10);
  expect(complaints.note('LOADING', 30)).toBe(30);
  complaints.pass();
  expect(complaints.note('READONLY', 40)).toBe(40);
});

it('a state is required of each probe until all checks have passed', () => {
  expect(complaints.require('READONLY')).toBe(true);
  expect(complaints.require('READONLY')).toBe(false);
  expect(complaints.arePending).toBe(true);
  expect(complaints.requiredChecks()).toEqual([expect.any(Function)]);
  complaints.pass();
  expect(complaints.arePending).toBe(false);
  expect(complaints.require('READONLY')).toBe(true);
});

it('a word without a check is required of no probe', () => {
  expect(complaints.require('WRONGTYPE')).toBe(false);
  expect(complaints.requiredChecks()).toEqual([]);
});

it('a healthy probe refutes each complaint once, also one that is made meanwhile', () => {
  complaints.note('READONLY', 10);
  complaints.note('OOM', 10);
  expect(complaints.complaintChecks()).toHaveLength(2);
  const told: string[] = [];
  complaints.refute((word) => {
    told.push(word);
    if (word === 'READONLY') complaints.note('READONLY', 20);
  });
  expect(told).toEqual(['READONLY', 'OOM']);
  complaints.refute((word) => told.push(word));
  expect(told).toEqual(['READONLY', 'OOM', 'READONLY']);
});
