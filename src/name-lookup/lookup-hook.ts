import { AsyncResource } from 'node:async_hooks';
import dns, { type LookupAddress, type LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { systemClock } from '../clock.js';
import { LoopClock } from '../loop-clock.js';
import { processState } from '../process-state.js';
import { NameLookups } from './name-lookups.js';

/** Resolution in milliseconds: fine enough for the shortest time that lookups are given. */
const TICK_MS = 20;

/** The lookups of this process, because the threads for them belong to the process. */
export const processLookups = processState(
  'name-lookups@1',
  () =>
    new NameLookups({
      clock: systemClock,
      loop: new LoopClock(systemClock, TICK_MS),
      // The function is read on every call, because applications and instrumentations replace it.
      system: (host, options, callback) => dns.lookup(host, options, callback as never),
    }),
);

/** Settings of a lookup hook. */
export interface LookupHookSetting {
  readonly lookups: NameLookups;
  /** The application's own `lookup` option. */
  readonly by: LookupFunction | undefined;
  /** Aborts when the socket that the lookup is for has ended. */
  readonly signal: AbortSignal;
  /** Called with the addresses that a socket gets to connect to. */
  readonly onAddresses?: (
    host: string,
    options: LookupOptions,
    addresses: readonly LookupAddress[],
  ) => void;
}

/**
 * Returns a `lookup` option for a socket; `net.connect` and `tls.connect` call it for host names
 * only.
 */
export function lookupHook(setting: LookupHookSetting): LookupFunction {
  const { lookups, by, signal, onAddresses } = setting;
  return (host, options, callback) => {
    // A shared lookup calls each caller back in its own asynchronous context.
    const call = AsyncResource.bind(callback);
    lookups.lookup({ host, options, by, signal }, (error, addresses) => {
      const [first] = addresses;
      if (error !== null || first === undefined) return call(error, '', 0);
      onAddresses?.(host, options, addresses);
      // Copied because the array is shared by all callers, although net.connect does not change it.
      if (options.all) call(null, [...addresses]);
      else call(null, first.address, first.family);
    });
  };
}
