/** Ctrl-C, a closed terminal and `kill`: cleans up once, and ends the process in any case. */
import { constants } from 'node:os';
import { systemClock } from '../clock.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A second signal, or this much time, ends it without further ado. */
const PATIENCE_MS = 8000;

/** Returns what stops listening. `clean` must not throw. */
export function onSignal(clean: (signal: string) => Promise<unknown>): () => void {
  let beganAt: number | undefined;
  const listener = (signal: (typeof SIGNALS)[number]) => {
    const code = 128 + constants.signals[signal];
    const exit = () => process.exit(code);
    if (beganAt !== undefined) {
      // One Ctrl-C comes twice when npm hands it on.
      if (systemClock.now() - beganAt > 500) exit();
      return;
    }
    beganAt = systemClock.now();
    systemClock.after(PATIENCE_MS, exit, { keepAlive: true });
    clean(signal).then(exit, exit);
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}
