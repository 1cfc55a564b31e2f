import type { LookupAddress, LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';

/** What one kind of connection asks for, as `dns.lookup` takes it. */
export interface LookupQuestion {
  readonly host: string;
  readonly options: LookupOptions;
  /** The application's own function in the place of the system's. */
  readonly by: LookupFunction | undefined;
}

/** Case means nothing in a name; families and hints make a different question. */
export function keyOf({ host, options, by }: LookupQuestion): string {
  const { family, hints, all } = options;
  return JSON.stringify([host.toLowerCase(), family, hints, by && all]);
}

/** The addresses of an answer in either of its forms; what is no IP address is left out. */
export function addressesOf(
  address: string | readonly LookupAddress[],
  family: number | undefined,
): readonly LookupAddress[] {
  const found = typeof address === 'string' ? [{ address, family }] : address;
  if (!Array.isArray(found)) return [];
  return found.flatMap((each: { address?: unknown } | undefined) => {
    const known = typeof each?.address === 'string' ? each.address : '';
    return isIP(known) === 0 ? [] : [{ address: known, family: isIP(known) }];
  });
}

/** For an empty answer, for which Node.js would throw in the middle of a callback. */
export function noAddress(hostname: string): Error {
  const error = new Error(`no address of ${hostname} was found`);
  return Object.assign(error, { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname });
}
