import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { onceAborted } from './abort-listeners.js';

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

it('adds one listener to a signal, however many wait, and calls them once and in order', () => {
  const abort = new AbortController();
  const called: number[] = [];
  for (let index = 0; index < 1000; index += 1) {
    onceAborted(abort.signal, () => called.push(index));
  }
  expect(listeners(abort.signal)).toBe(1);
  abort.abort();
  expect(called).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  expect(listeners(abort.signal)).toBe(0);
});

it('leaves nothing on a signal that nobody waits for, and begins anew', () => {
  const { signal } = new AbortController();
  const first = onceAborted(signal, () => {});
  const second = onceAborted(signal, () => {});
  first();
  first();
  expect(listeners(signal)).toBe(1);
  second();
  expect(listeners(signal)).toBe(0);
  onceAborted(signal, () => {});
  expect(listeners(signal)).toBe(1);
});

it('one that is taken back while it aborts has been called already', () => {
  const abort = new AbortController();
  const story: string[] = [];
  onceAborted(abort.signal, () => {
    story.push('first');
    takeBack();
  });
  const takeBack = onceAborted(abort.signal, () => story.push('second'));
  abort.abort();
  expect(story).toEqual(['first', 'second']);
});

it('a signal that can not be listened to any less keeps nothing from being called', () => {
  const abort = new AbortController();
  const { signal } = abort;
  signal.removeEventListener = () => {
    throw new Error('not supported');
  };
  const called: string[] = [];
  onceAborted(signal, () => called.push('taken back'))();
  onceAborted(signal, () => called.push('first'));
  onceAborted(signal, () => called.push('second'));
  abort.abort();
  expect(called).toEqual(['first', 'second']);
});
