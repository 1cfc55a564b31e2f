import { AsyncResource } from 'node:async_hooks';
import dns, { type LookupAddress, type LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { systemClock } from '../clock.js';
import { LoopClock } from '../loop-clock.js';
import { NameLookups } from './name-lookups.js';

/** Fine enough for the shortest time that lookups are given. */
const TICK_MS = 20;

/** The one of this process: the threads that look names up are those of the process. */
export const processLookups = new NameLookups({
  clock: systemClock,
  loop: new LoopClock(systemClock, TICK_MS),
  // Looked up when it is called, because applications and instrumentations replace it.
  system: (host, options, callback) => dns.lookup(host, options, callback as never),
});

/** What a hook looks up, and is told of. */
export interface LookupHookSetting {
  readonly lookups: NameLookups;
  /** The application's own `lookup` option. */
  readonly by: LookupFunction | undefined;
  /** The socket that the lookup is for is gone. */
  readonly signal: AbortSignal;
  /** The addresses that a socket is given to connect to. */
  readonly onAddresses?: (
    host: string,
    options: LookupOptions,
    addresses: readonly LookupAddress[],
  ) => void;
}

/** The option `lookup` of a socket: `net.connect` and `tls.connect` call it for host names only. */
export function lookupHook(setting: LookupHookSetting): LookupFunction {
  const { lookups, by, signal, onAddresses } = setting;
  return (host, options, callback) => {
    // Whoever shares a lookup goes on in its own asynchronous context.
    const call = AsyncResource.bind(callback);
    lookups.lookup({ host, options, by, signal }, (error, addresses) => {
      const [first] = addresses;
      if (error !== null || first === undefined) return call(error, '', 0);
      onAddresses?.(host, options, addresses);
      // net.connect writes nothing into it, but it belongs to everybody who asked.
      if (options.all) call(null, [...addresses]);
      else call(null, first.address, first.family);
    });
  };
}
