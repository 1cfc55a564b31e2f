import { DEFAULTS } from 'redis-multidb';
import type { RunTexts, Setting } from '../src/drill/report/model.js';

/**
 * Shortened so that a failback does not take minutes. Slow calls count. Everything else
 * is the default.
 */
export const SETTINGS = {
  gracePeriodMs: 4000,
  failbackCheckIntervalMs: 1000,
  healthCheck: { intervalMs: 1000, timeoutMs: 500, delayInBetweenProbesMs: 100 },
  failureDetector: { slowCallMs: 100, slowCallRateThreshold: 30 },
  suspectAfterMs: 300,
  commandTimeoutMs: 1500,
  commandDeadlineMs: 4000,
  delayInBetweenFailoverAttemptsMs: 1000,
} as const;

/** How long the switch by hand is held against failback. */
export const HOLD_MS = 3000;

export const CALLERS = 100;
export const RATE_PER_SECOND = 3000;

/** Every option that differs from its default, with both values. */
export function shownSettings(): Setting[] {
  const flat = Object.entries(SETTINGS).flatMap(([name, value]): [string, number][] =>
    typeof value === 'object'
      ? Object.entries(value).map(([part, each]) => [`${name}.${part}`, each])
      : [[name, value]],
  );
  return flat.map(([name, value]) => ({
    name,
    value: String(value),
    defaultValue: String(DEFAULTS[name as keyof typeof DEFAULTS].default ?? 'off'),
  }));
}

export const TITLE = 'redis-multidb demo';
export const SETTINGS_NOTE = 'shortened for the demo; all other options are the defaults';

export const TEXTS: RunTexts = {
  kept: 'every guarantee kept',
  counted: 'promises',
  failed: 'broken',
  promises: 'Promises',
  settings: 'Options shortened for the demo',
  settingsNote: 'All other options are the defaults.',
  databasesNote:
    'Three independent servers without replication, so that each execution can be found on its server.',
  load: 'commands',
};
