/**
 * Handles Ctrl-C, a closed terminal, `kill`, and a closed output pipe: cleans up once, and ends the
 * process in any case.
 */
import { constants } from 'node:os';
import { systemClock } from '../clock.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type Cause = (typeof SIGNALS)[number] | 'SIGPIPE';
/** A second signal, or this many milliseconds, end the process without further clean-up. */
const PATIENCE_MS = 8000;

const listeners = new Set<(cause: Cause) => void>();

/** Calls `clean` on a signal; the returned function stops that. `clean` must not throw. */
export function onSignal(clean: (signal: string) => Promise<unknown>): () => void {
  let beganAt: number | undefined;
  const listener = (cause: Cause) => {
    const exit = () => process.exit(codeOf(cause));
    if (beganAt !== undefined) {
      // npm forwards Ctrl-C a second time, and each line to a closed pipe fails again.
      if (cause !== 'SIGPIPE' && systemClock.now() - beganAt > 500) exit();
      return;
    }
    beganAt = systemClock.now();
    systemClock.after(PATIENCE_MS, exit, { keepAlive: true });
    clean(cause).then(exit, exit);
  };
  listeners.add(listener);
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    listeners.delete(listener);
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}

/** Handles a closed output pipe (`| head`): ends like a program that SIGPIPE ends. */
export function onClosedOutput(): void {
  if (listeners.size === 0) process.exit(process.exitCode || codeOf('SIGPIPE'));
  for (const listener of [...listeners]) listener('SIGPIPE');
}

function codeOf(cause: Cause): number {
  return 128 + constants.signals[cause];
}
