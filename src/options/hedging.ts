import type { HedgingSettings } from '../core/hedging-settings.js';
import { invalid } from '../validation/check.js';
import { optionsObject, read } from './check.js';

/** Validates `hedging`, which is at `at`. Throws `InvalidOptionError`. */
export function resolveHedging(value: unknown, at: string): HedgingSettings {
  const values = optionsObject(value, 'hedging', at);
  return Object.freeze({
    afterMs: read(values, 'hedging.afterMs', at),
    maxShare: read(values, 'hedging.maxShare', at),
  });
}

/**
 * Throws `InvalidOptionError` if reads of a client with these options must not be answered by a
 * standby.
 */
export function requireHedgeable(
  client: { readonly clientSideCache?: unknown; readonly emitInvalidate?: unknown },
  standbyConnections: 'warm' | 'lazy',
  at: string,
): void {
  if (standbyConnections === 'lazy') {
    throw invalid(at, "standbyConnections: 'warm', because a standby must be connected", 'lazy');
  }
  const name = ['clientSideCache', 'emitInvalidate'].find(
    (each) => client[each as keyof typeof client],
  );
  if (name === undefined) return;
  const why = 'because a standby announces no changes of the active database';
  throw invalid(at, `no client.${name}, ${why}`, name);
}

/** Validates what `withHedging()` was given; `false` is off. Throws `InvalidOptionError`. */
export function hedgingOfView(
  value: unknown,
  client: Parameters<typeof requireHedgeable>[0],
  standbyConnections: 'warm' | 'lazy',
): HedgingSettings | false {
  if (value === false) return false;
  const settings = resolveHedging(value, 'withHedging');
  requireHedgeable(client, standbyConnections, 'withHedging');
  return settings;
}
