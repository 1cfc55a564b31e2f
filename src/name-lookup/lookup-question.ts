import type { LookupAddress, LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';

/** A lookup of one kind of connection, with the arguments of `dns.lookup`. */
export interface LookupQuestion {
  readonly host: string;
  readonly options: LookupOptions;
  /** The application's own function, which replaces the system's. */
  readonly by: LookupFunction | undefined;
}

/**
 * A key for the question. Names are case-insensitive; other families and hints are another
 * question.
 */
export function keyOf({ host, options, by }: LookupQuestion): string {
  const { family, hints, all } = options;
  return JSON.stringify([host.toLowerCase(), family, hints, by && all]);
}

/**
 * Returns the addresses of an answer in either of its forms, without anything that is not an IP
 * address.
 */
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

/** The error for an empty answer, for which Node.js would throw inside a callback. */
export function noAddress(hostname: string): Error {
  const error = new Error(`no address of ${hostname} was found`);
  return Object.assign(error, { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname });
}
