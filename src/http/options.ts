import type { IncomingMessage } from 'node:http';
import { InvalidOptionError } from '../errors.js';
import { anyObject, invalid, unknownOption } from '../validation/check.js';
import { count, duration, type Rule } from '../validation/rules.js';

/** What somebody wants to do: look, or change something. */
export type HttpAction = 'read' | 'switch' | 'drain' | 'resume';

/** What `authorize` decides on. */
export interface AuthorizeRequest {
  /** What is asked for. */
  readonly action: HttpAction;
  /** The database that is to become active, to be drained or resumed. */
  readonly databaseId: string | undefined;
  /** True: only whether the page should offer its buttons; nothing will be changed. */
  readonly preview: boolean;
  /** The HTTP method. */
  readonly method: string;
  /** Below the place where the handler is mounted. */
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The address of the other end; undefined where the framework does not tell. */
  readonly remoteAddress: string | undefined;
  /** The framework's own request, with what other middleware has put there (a user, a session). */
  readonly raw: IncomingMessage | Request;
}

/** Options of `createHttpHandler`. */
export interface HttpHandlerOptions {
  /**
   * Decides about everything that changes something, and about reading from elsewhere. Only `true`,
   * or a promise of it, allows; anything else, a throw, a rejection and no answer within
   * `authorizeTimeoutMs` refuse. Default: none; nothing can be changed.
   */
  readonly authorize?: (request: AuthorizeRequest) => boolean | Promise<boolean>;
  /**
   * Who may read. `loopback`: this machine, and whom `authorize` allows; `authorize`: only whom it
   * allows; `any`: everybody who can reach the port. Default: `loopback`.
   */
  readonly read?: 'loopback' | 'authorize' | 'any';
  /**
   * Names (`ops.example.com`, `ops.example.com:8443`) by which the handler may be addressed, beside
   * loopback names and IP addresses. Others are refused, because a name can be made to point here
   * by somebody else. Default: none.
   */
  readonly hosts?: readonly string[];
  /** Sent with 401 in place of 403 when `authorize` refuses: `Basic realm="redis"`. Default: none. */
  readonly challenge?: string;
  /** What the path begins with where the framework does not strip it: `/redis`. Default: none. */
  readonly basePath?: string;
  /** Title of the page. Default: `Redis databases`. */
  readonly title?: string;
  /** Readers of `/events` at a time, 1 or more. Default: 50. */
  readonly maxListeners?: number;
  /** Between two `status` events, 1 to 2^31-1 ms. Default: 1000. */
  readonly statusIntervalMs?: number;
  /** Silence of `/events` after which a comment is sent, 1 to 2^31-1 ms. Default: 15000. */
  readonly heartbeatMs?: number;
  /** How long `authorize` may take, 1 to 2^31-1 ms. Default: 5000. */
  readonly authorizeTimeoutMs?: number;
  /** How long the body of a request may take, 1 to 2^31-1 ms. Default: 5000. */
  readonly bodyTimeoutMs?: number;
}

export interface ResolvedHttpOptions extends Required<Omit<HttpHandlerOptions, Optional>> {
  readonly authorize: HttpHandlerOptions['authorize'];
  readonly challenge: string | undefined;
}
type Optional = 'authorize' | 'challenge';

const DEFAULTS: ResolvedHttpOptions = Object.freeze({
  authorize: undefined,
  read: 'loopback',
  hosts: Object.freeze([]),
  challenge: undefined,
  basePath: '',
  title: 'Redis databases',
  maxListeners: 50,
  statusIntervalMs: 1000,
  heartbeatMs: 15_000,
  authorizeTimeoutMs: 5000,
  bodyTimeoutMs: 5000,
});

const NUMBERS: Readonly<Record<string, Rule<number>>> = {
  maxListeners: count,
  statusIntervalMs: duration,
  heartbeatMs: duration,
  authorizeTimeoutMs: duration,
  bodyTimeoutMs: duration,
};

/** Throws `InvalidOptionError`. */
export function resolveHttpOptions(options: HttpHandlerOptions = {}): ResolvedHttpOptions {
  const given = Object.entries(anyObject(options, 'options')).filter(([, value]) => {
    return value !== undefined;
  });
  for (const [name, value] of given) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      throw unknownOption('', name, `one of ${Object.keys(DEFAULTS).join(', ')}`);
    }
    const rule = NUMBERS[name];
    if (rule !== undefined && !rule.accepts(value)) throw invalid(name, rule.range, value);
  }
  const resolved = { ...DEFAULTS, ...Object.fromEntries(given) } as ResolvedHttpOptions;
  const { authorize, read, hosts, challenge, basePath, title } = resolved;
  if (authorize !== undefined && typeof authorize !== 'function') {
    throw invalid('authorize', 'a function', authorize);
  }
  if (!['loopback', 'authorize', 'any'].includes(read)) {
    throw invalid('read', `'loopback', 'authorize', 'any'`, read);
  }
  if (read === 'authorize' && authorize === undefined) {
    throw new InvalidOptionError('authorize', `a function, because read is 'authorize'`, authorize);
  }
  const isName = (host: unknown) => typeof host === 'string' && /^[\w.[\]:-]+$/.test(host);
  if (!Array.isArray(hosts) || !hosts.every(isName)) {
    throw invalid('hosts', 'an array of host names, with a port or without', hosts);
  }
  if (challenge !== undefined && (typeof challenge !== 'string' || !/^[ -~]+$/.test(challenge))) {
    throw invalid('challenge', 'the value of a WWW-Authenticate header', challenge);
  }
  if (typeof basePath !== 'string' || !/^(\/[\w.~-]+)*\/?$/.test(basePath)) {
    throw invalid('basePath', 'a path like /redis', basePath);
  }
  if (typeof title !== 'string') throw invalid('title', 'a string', title);
  return Object.freeze({
    ...resolved,
    hosts: Object.freeze(hosts.map((host) => host.toLowerCase())),
    basePath: basePath.replace(/\/$/, ''),
  });
}
