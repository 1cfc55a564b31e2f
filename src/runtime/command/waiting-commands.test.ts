import { beforeEach, expect, it } from 'vitest';
import { FakeClientContext } from '../../testing/fake-client-context.js';

let client: FakeClientContext;

beforeEach(() => {
  client = new FakeClientContext();
});

it('knows when the first waiting command is late, and hands it out once', () => {
  const { waiting } = client;
  expect(waiting.earliestDeadline).toBe(Number.POSITIVE_INFINITY);
  const [one, two, three] = [1, 2, 3].map(() => client.command(['GET', 'k']));
  if (!one || !two || !three) throw new Error('three commands');
  waiting.addToBacklog(one);
  waiting.addRetry(two, 0);
  waiting.hold(three);
  expect([one.state, two.state, three.state]).toEqual(['backlog', 'waiting', 'waiting']);
  expect(waiting.earliestDeadline).toBe(10_000);
  expect(waiting.expire(9999)).toEqual([]);
  expect(waiting.expire(10_000)).toEqual([one, two, three]);
  expect(waiting.takeAll()).toEqual([]);
  expect(waiting.earliestDeadline).toBe(Number.POSITIVE_INFINITY);
});

it('drops what has settled while it waited', () => {
  const { waiting } = client;
  const command = client.command(['GET', 'k']);
  waiting.addToBacklog(command);
  command.state = 'settled';
  expect(waiting.expire(0)).toEqual([]);
  expect(waiting.takeBacklog()).toEqual([]);
});

it('forgets a retry or a held command whose wait is over', () => {
  const { waiting } = client;
  const [retry, held] = [client.command(['GET', 'k']), client.command(['BLPOP', 'k', '0'])];
  waiting.addRetry(retry, 0);
  waiting.hold(held);
  for (const command of [retry, held]) waiting.remove(command);
  expect(waiting.takeAll()).toEqual([]);
});
