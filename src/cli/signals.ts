/**
 * Ctrl-C, a closed terminal, `kill`, and a reader of the output that is gone: cleans up once, and
 * ends the process in any case.
 */
import { constants } from 'node:os';
import { systemClock } from '../clock.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type Cause = (typeof SIGNALS)[number] | 'SIGPIPE';
/** A second signal, or this much time, ends the process without further ado. */
const PATIENCE_MS = 8000;

const listeners = new Set<(cause: Cause) => void>();

/** Returns what stops listening. `clean` must not throw. */
export function onSignal(clean: (signal: string) => Promise<unknown>): () => void {
  let beganAt: number | undefined;
  const listener = (cause: Cause) => {
    const exit = () => process.exit(codeOf(cause));
    if (beganAt !== undefined) {
      // One Ctrl-C comes twice when npm hands it on, and each line to a closed pipe fails again.
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

/** Nobody reads the output any more (`| head`): ends like a program that SIGPIPE ends. */
export function onClosedOutput(): void {
  if (listeners.size === 0) process.exit(process.exitCode || codeOf('SIGPIPE'));
  for (const listener of [...listeners]) listener('SIGPIPE');
}

function codeOf(cause: Cause): number {
  return 128 + constants.signals[cause];
}
