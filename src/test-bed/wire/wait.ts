/** Waiting for conditions and events, always with a bound and a message that names what was awaited. */
import { systemClock, type Timer } from '../../clock.js';

/** Options of `waitFor()`. */
export interface WaitOptions {
  /** What is awaited, for the error message: "the replica to be in sync". */
  readonly what: string;
  /** Upper bound in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
  /** Time between two looks in milliseconds. Default 5. */
  readonly intervalMs?: number;
}

/** An emitter as far as `once` needs one. */
export interface EventSource {
  // `any`, because emitters with a typed event map take no narrower listener.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  on(event: any, listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  removeListener(event: any, listener: (...args: any[]) => void): unknown;
}

/** Resolves after `ms` milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.after(ms, resolve, { keepAlive: true });
  });
}

/** Calls back about every `ms` milliseconds, and keeps the process alive until it is cancelled. */
export function every(ms: number, callback: () => void): Timer {
  let timer: Timer;
  const arm = () => {
    timer = systemClock.after(ms, tick, { keepAlive: true });
  };
  const tick = () => {
    arm();
    callback();
  };
  arm();
  return { cancel: () => timer.cancel() };
}

/**
 * Polls `predicate` until it returns something truthy, and returns that. A throw means "not yet". Past
 * `timeoutMs` it rejects with a message that names `what`; the last error thrown is its `cause`.
 */
export async function waitFor<T>(
  predicate: () => T | Promise<T>,
  { what, timeoutMs = 5000, intervalMs = 5 }: WaitOptions,
): Promise<NonNullable<T>> {
  const deadline = systemClock.now() + timeoutMs;
  for (;;) {
    let last: unknown;
    let cause: unknown;
    try {
      const value = await predicate();
      if (value) return value;
      last = value;
    } catch (error) {
      cause = error;
    }
    if (systemClock.now() >= deadline) {
      const seen =
        cause instanceof Error ? `it threw "${cause.message}"` : `it was ${String(last)}`;
      const message = `Waited ${timeoutMs} ms for ${what}; when last looked at ${seen}`;
      throw new Error(message, { cause });
    }
    await sleep(intervalMs);
  }
}

/**
 * The arguments of the next `event`. Unlike `events.once` it does not reject on `'error'`, because in a
 * test of failures errors are part of the play. Rejects after `timeoutMs` (default 5000).
 */
export function once<Args extends unknown[] = unknown[]>(
  emitter: EventSource,
  event: string,
  timeoutMs = 5000,
): Promise<Args> {
  return new Promise((resolve, reject) => {
    const listener = (...args: unknown[]) => {
      timer.cancel();
      emitter.removeListener(event, listener);
      resolve(args as Args);
    };
    const late = () => {
      emitter.removeListener(event, listener);
      reject(new Error(`Waited ${timeoutMs} ms for the event '${event}'`));
    };
    const timer = systemClock.after(timeoutMs, late, { keepAlive: true });
    emitter.on(event, listener);
  });
}
