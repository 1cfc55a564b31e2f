/** The origin and the target of a request. Pure; unknown counts as foreign. */
import { isIP } from 'node:net';
import type { HandledRequest } from './request.js';

/**
 * Headers that proxies, sidecars and content delivery networks add. Behind one of these, the
 * address of the connection is not that of the client.
 */
const PROXY_HEADERS: ReadonlySet<string> = new Set([
  'cdn-loop',
  'client-ip',
  'fastly-client-ip',
  'fastly-ff',
  'fly-client-ip',
  'forwarded',
  'proxy-connection',
  'true-client-ip',
  'via',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-host',
  'x-real-ip',
]);
const PROXY_PREFIXES = [
  'cf-',
  'x-amzn-',
  'x-appengine-',
  'x-arr-',
  'x-azure-',
  'x-envoy-',
  'x-forwarded',
  'x-nginx-',
  'x-original-',
  'x-proxy-',
  'x-varnish',
];

/**
 * Addresses from which a program on this machine connects. Other addresses of 127.0.0.0/8 belong to
 * proxies: the sidecar of Istio connects from 127.0.0.6.
 */
const LOCAL_ADDRESSES: ReadonlySet<string> = new Set(['127.0.0.1', '::1']);

type Asked = Pick<HandledRequest, 'headers' | 'remoteAddress'>;

/** Whether a program on this machine made the request, without a proxy, to a name of this machine. */
export function isLocal({ headers, remoteAddress }: Asked, hosts: readonly string[]): boolean {
  if (remoteAddress === undefined || !LOCAL_ADDRESSES.has(withoutMapping(remoteAddress))) {
    return false;
  }
  if (Object.keys(headers).some(isProxyHeader)) return false;
  const { host } = headers;
  if (host === undefined) return false;
  return isLoopbackName(nameOf(host)) || isListed(host, hosts);
}

/**
 * Whether the Host cannot be the result of DNS rebinding: a loopback name, an IP address, or one of
 * `hosts`.
 */
export function isOwnHost({ headers: { host } }: Asked, hosts: readonly string[]): boolean {
  if (host === undefined) return false;
  const name = nameOf(host);
  return isLoopbackName(name) || isIP(name) !== 0 || isListed(host, hosts);
}

/**
 * Whether a browser made the request for a page of another site. Other programs send no such
 * header.
 */
export function isCrossSite({ headers }: Asked, hosts: readonly string[]): boolean {
  const { origin, host = '' } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (origin === undefined) return false;
  const [, authority] = /^https?:\/\/([^/?#@\s]+)$/i.exec(origin) ?? [];
  if (authority === undefined) return true;
  return authority.toLowerCase() !== host.toLowerCase() && !isListed(authority, hosts);
}

/** Whether the request is a navigation, whose answer does not reach another site. */
export function isNavigation({ headers }: Asked): boolean {
  return headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
}

function isProxyHeader(name: string): boolean {
  return PROXY_HEADERS.has(name) || PROXY_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** An IPv4 address in its IPv6 form, as IPv4. */
function withoutMapping(address: string): string {
  return address.toLowerCase().replace(/^::ffff:/, '');
}

function isLoopbackAddress(address: string): boolean {
  const plain = withoutMapping(address);
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
