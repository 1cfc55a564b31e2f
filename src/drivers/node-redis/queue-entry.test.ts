import v8 from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { systemClock } from '../../clock.js';
import type { Attempt, Batch } from '../driver.js';
import { BatchBoundary } from './batch-boundary.js';
import { BatchEntries, CommandEntry, type QueueEntry } from './queue-entry.js';

const nextTurn = () => new Promise<void>((resolve) => systemClock.afterTurn(resolve));
const explain = (error: unknown) => error;

const BATCH: Batch = {
  kind: 'pipeline',
  commands: [
    ['GET', 'a'],
    ['GET', 'b'],
  ],
};

/** Returns entries and a weak reference to their attempt, which nothing else refers to. */
function single(): { entries: readonly QueueEntry[]; attempt: WeakRef<Attempt> } {
  const attempt = newAttempt(['GET', 'a']);
  return { entries: [new CommandEntry(attempt, explain)], attempt: new WeakRef(attempt) };
}

function pipeline(): { entries: readonly QueueEntry[]; attempt: WeakRef<Attempt> } {
  const attempt = newAttempt(['PIPELINE']);
  const { entries } = new BatchEntries(attempt, BATCH, explain, new BatchBoundary());
  return { entries, attempt: new WeakRef(attempt) };
}

function newAttempt(args: readonly string[]): Attempt {
  return {
    args,
    batch: undefined,
    options: undefined,
    written: false,
    handle: undefined,
    onReply() {},
    onError() {},
    onLane() {},
  };
}

/** As node-redis does when it encodes a command. */
function write(entry: QueueEntry): void {
  entry.args = undefined;
}

test.each([
  ['a command', single],
  ['a batch', pipeline],
])('%s that has settled is not kept by the queue of node-redis', async (_, make) => {
  v8.setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const answered = make();
  const failed = make();
  const unanswered = make();
  for (const entry of [...answered.entries, ...failed.entries, ...unanswered.entries]) write(entry);
  for (const entry of answered.entries) entry.resolve('reply');
  for (const entry of failed.entries) entry.reject(new Error('lost'));

  // A weak reference holds until the end of the turn in which it was made or read.
  await nextTurn();
  collect();

  expect(answered.attempt.deref()).toBeUndefined();
  expect(failed.attempt.deref()).toBeUndefined();
  expect(unanswered.attempt.deref()).toBeDefined();
  expect([answered, failed, unanswered].flatMap(({ entries }) => entries).length).toBeGreaterThan(
    2,
  );
});

test('a settled entry ignores what comes later', async () => {
  const replies: unknown[] = [];
  const attempt = { ...newAttempt(['GET', 'a']), onReply: (reply: unknown) => replies.push(reply) };
  const entry = new CommandEntry(attempt as Attempt, explain);
  write(entry);
  entry.resolve('first');
  entry.resolve('second');
  entry.reject(new Error('late'));
  await nextTurn();
  expect(replies).toEqual(['first']);
});
