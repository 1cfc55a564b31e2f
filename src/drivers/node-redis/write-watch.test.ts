import { beforeEach, describe, expect, it } from 'vitest';
import type { Attempt } from '../driver.js';
import { BatchWatch, WriteWatch } from './write-watch.js';

const attempt = () => ({ written: false }) as Attempt;

/** What node-redis does with an abort signal. */
class Queue {
  readonly waiting: (() => void)[] = [];

  add(watch: WriteWatch): void {
    const item = () => {};
    const listener = () => {
      watch.removeEventListener();
      this.waiting.splice(this.waiting.indexOf(item), 1);
    };
    watch.addEventListener('abort', listener);
    this.waiting.push(item);
  }
}

let connection: { ended: boolean };
let queue: Queue;

beforeEach(() => {
  connection = { ended: false };
  queue = new Queue();
});

describe('WriteWatch', () => {
  it('notes the writing when the command is encoded', () => {
    const sent = attempt();
    const watch = new WriteWatch(connection, sent);
    queue.add(watch);
    expect(sent.written).toBe(false);
    watch.removeEventListener();
    expect(sent.written).toBe(true);
    expect(watch.withdraw()).toBe(false);
  });

  it('takes a command back that was not written', () => {
    const sent = attempt();
    const watch = new WriteWatch(connection, sent);
    queue.add(watch);
    expect(watch.withdraw()).toBe(true);
    expect(queue.waiting).toEqual([]);
    expect([sent.written, watch.withdrawn]).toEqual([false, true]);
    expect(watch.withdraw()).toBe(false);
  });

  it('does not take the end of the connection for a writing', () => {
    const sent = attempt();
    const watch = new WriteWatch(connection, sent);
    queue.add(watch);
    connection.ended = true;
    watch.removeEventListener();
    expect(sent.written).toBe(false);
    expect(watch.withdraw()).toBe(false);
  });

  it('never counts as aborted for node-redis', () => {
    expect(new WriteWatch(connection, attempt()).aborted).toBe(false);
  });
});

describe('BatchWatch', () => {
  const batch = (size: number) => {
    const sent = attempt();
    const watches = Array.from({ length: size }, () => new WriteWatch(connection, sent));
    for (const watch of watches) queue.add(watch);
    return { sent, watches, whole: new BatchWatch(watches) };
  };

  it('takes all commands back together', () => {
    const { sent, whole } = batch(4);
    expect(whole.withdraw()).toBe(true);
    expect(queue.waiting).toEqual([]);
    expect([sent.written, whole.withdrawn]).toEqual([false, true]);
  });

  it('takes none back once the first was written', () => {
    const { watches, whole } = batch(4);
    watches[0]?.removeEventListener();
    expect(whole.withdraw()).toBe(false);
    expect(queue.waiting).toHaveLength(4);
    expect(watches.slice(1).some(({ withdrawn }) => withdrawn)).toBe(false);
  });
});
