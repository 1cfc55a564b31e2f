import { expect, it } from 'vitest';
import type { MultiDbStats } from '../runtime/report/stats.js';
import { Subjects } from './subjects.js';

function client(group: number) {
  const subject = {
    asked: 0,
    open: true,
    databases: [],
    stats() {
      subject.asked += 1;
      return { client: 'orders', group, clients: subject.open ? 1 : 0 } as MultiDbStats;
    },
  };
  return subject;
}

it('asks no client for each command of a client that is not exported', () => {
  const mine = client(1);
  const subjects = new Subjects([mine]);
  expect(subjects.find(2)).toBeUndefined();
  const { asked } = mine;
  for (let index = 0; index < 100; index += 1) expect(subjects.find(2)).toBeUndefined();
  expect(mine.asked).toBe(asked);
});

it('finds a client that is opened after a command was refused', () => {
  const mine = client(1);
  mine.open = false;
  const subjects = new Subjects([mine]);
  expect(subjects.find(1)).toBeUndefined();
  mine.open = true;
  expect(subjects.find(1)).toBe('orders');
});
