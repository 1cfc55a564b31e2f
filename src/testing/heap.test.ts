import { expect, it } from 'vitest';
import { EventHeap } from './heap.js';
import { seededRandom } from './random.js';

it('gives items by time, equal ones by sequence', () => {
  const random = seededRandom(1);
  const heap = new EventHeap<{ at: number; sequence: number }>();
  const items = Array.from({ length: 500 }, (_, sequence) => ({
    at: Math.floor(random() * 50),
    sequence,
  }));
  const taken: typeof items = [];
  for (const [index, item] of items.entries()) {
    heap.push(item);
    // In between, so that taking and adding mix.
    if (index % 3 === 2) taken.push(heap.pop()!);
  }
  const rest: typeof items = [];
  while (heap.size > 0) {
    expect(heap.peek()).toBeDefined();
    rest.push(heap.pop()!);
  }
  expect(heap.pop()).toBeUndefined();
  expect(rest).toEqual([...rest].sort((a, b) => a.at - b.at || a.sequence - b.sequence));
  expect([...taken, ...rest].sort((a, b) => a.sequence - b.sequence)).toEqual(items);
});
