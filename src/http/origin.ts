/** Where a request comes from and whom it addresses. Pure; what is not known counts as foreign. */
import { isIP } from 'node:net';
import type { HandledRequest } from './request.js';

/** What a proxy adds; behind one, the other end of the connection says nothing about the reader. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

type Asked = Pick<HandledRequest, 'headers' | 'remoteAddress'>;

/** It was made on this machine, not through a proxy, and by a name that means this machine. */
export function isLocal({ headers, remoteAddress }: Asked, hosts: readonly string[]): boolean {
  if (remoteAddress === undefined || !isLoopbackAddress(remoteAddress)) return false;
  if (FORWARDED.some((name) => headers[name] !== undefined)) return false;
  const { host } = headers;
  if (host === undefined) return false;
  return isLoopbackName(nameOf(host)) || isListed(host, hosts);
}

/**
 * The Host is a name that can't have been made to point here by somebody else: a loopback name, an
 * IP address, or one of `hosts`. Anything else may be DNS rebinding.
 */
export function isOwnHost({ headers: { host } }: Asked, hosts: readonly string[]): boolean {
  if (host === undefined) return false;
  const name = nameOf(host);
  return isLoopbackName(name) || isIP(name) !== 0 || isListed(host, hosts);
}

/** A browser made it for a page of another site. A plain program says nothing of the kind. */
export function isCrossSite({ headers }: Asked, hosts: readonly string[]): boolean {
  const { origin, host = '' } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (origin === undefined) return false;
  const [, authority] = /^https?:\/\/([^/?#@\s]+)$/i.exec(origin) ?? [];
  if (authority === undefined) return true;
  return authority.toLowerCase() !== host.toLowerCase() && !isListed(authority, hosts);
}

/** Somebody follows a link, or types the address: nothing of the answer reaches another site. */
export function isNavigation({ headers }: Asked): boolean {
  return headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
}

function isLoopbackAddress(address: string): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:/, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || isLoopbackAddress(name);
}

/** Without port, brackets and trailing dot, in lower case. */
function nameOf(host: string): string {
  const [, inBrackets, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (inBrackets ?? plain ?? '').toLowerCase().replace(/\.$/, '');
}

function isListed(host: string, hosts: readonly string[]): boolean {
  return hosts.includes(host.toLowerCase()) || hosts.includes(nameOf(host));
}
