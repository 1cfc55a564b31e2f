import type { IncomingMessage } from 'node:http';
import type { SteeringDocument } from '../core/steering/document.js';
import { InvalidOptionError } from '../errors.js';
import type { SteeringSource } from '../options/steering.js';
import { anyObject, invalid, unknownOption } from '../validation/check.js';
import { count, duration, type Rule } from '../validation/rules.js';

/**
 * The kind of a request: read or change. `switch-unchecked` is a switch to a database that need not be
 * healthy; `release` ends a forced switch. `steer` and `steer-release` publish a steering document
 * for all processes: one that asks for something, and one that ends that.
 */
export type HttpAction =
  | 'read'
  | 'switch'
  | 'switch-unchecked'
  | 'drain'
  | 'resume'
  | 'release'
  | 'steer'
  | 'steer-release';

/** The argument of `authorize`. */
export interface AuthorizeRequest {
  /** What is asked for. */
  readonly action: HttpAction;
  /** The database that would become active, be drained, resumed or released. */
  readonly databaseId: string | undefined;
  /** The document that would be published; undefined for other actions, and for a preview. */
  readonly steering: SteeringDocument | undefined;
  /** True if the page only asks whether to show its buttons; nothing will be changed. */
  readonly preview: boolean;
  /** The HTTP method. */
  readonly method: string;
  /** Below the place where the handler is mounted. */
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The address of the other end; undefined where the framework does not tell. */
  readonly remoteAddress: string | undefined;
  /** The request of the framework, with the data of other middleware (a user, a session). */
  readonly raw: IncomingMessage | Request;
}

/** Options of `createHttpHandler`. */
export interface HttpHandlerOptions {
  /**
   * Decides about changes, and about reads from other machines. Only `true`, or a promise of it,
   * allows the request; another value, an error, or no answer within `authorizeTimeoutMs` refuses
   * it. Default: none, so nothing can be changed.
   */
  readonly authorize?: (request: AuthorizeRequest) => boolean | Promise<boolean>;
  /**
   * The steering source to which `POST /steering` and the page publish, or the sources of the client,
   * of which the first one that can publish is used: `redisSteering()`. The client must have it in
   * its own option `steering`. Default: none, so nothing can be published.
   */
  readonly steering?: SteeringSource | readonly SteeringSource[];
  /**
   * Who may read. `loopback`: loopback clients, and clients that `authorize` allows. `authorize`:
   * only clients that it allows. `any`: every client that can reach the port. Default: `loopback`.
   */
  readonly read?: 'loopback' | 'authorize' | 'any';
  /**
   * Host names (`ops.example.com`, `ops.example.com:8443`) of the handler, in addition to loopback
   * names and IP addresses. Other names are refused because of DNS rebinding. Default: none.
   */
  readonly hosts?: readonly string[];
  /**
   * Value of `WWW-Authenticate`: a refusal by `authorize` is then a 401 instead of a 403, such as
   * `Basic realm="redis"`. Default: none.
   */
  readonly challenge?: string;
  /** Prefix of the paths if the framework does not remove it, such as `/redis`. Default: none. */
  readonly basePath?: string;
  /** Title of the page. Default: `Redis databases`. */
  readonly title?: string;
  /** Maximum number of readers of `/events`, 1 or more. Default: 50. */
  readonly maxListeners?: number;
  /** Time between two `status` events, 1 to 2^31-1 ms. Default: 1000. */
  readonly statusIntervalMs?: number;
  /** Silence of `/events` after which a comment is sent, 1 to 2^31-1 ms. Default: 15000. */
  readonly heartbeatMs?: number;
  /** Timeout of `authorize`, 1 to 2^31-1 ms. Default: 5000. */
  readonly authorizeTimeoutMs?: number;
  /** Timeout of a request body, 1 to 2^31-1 ms. Default: 5000. */
  readonly bodyTimeoutMs?: number;
}

export interface ResolvedHttpOptions extends Required<Omit<HttpHandlerOptions, Optional>> {
  readonly authorize: HttpHandlerOptions['authorize'];
  readonly challenge: string | undefined;
  /** A source with `publish()`. */
  readonly steering: SteeringSource | undefined;
}
type Optional = 'authorize' | 'challenge' | 'steering';

const DEFAULTS: ResolvedHttpOptions = Object.freeze({
  authorize: undefined,
  steering: undefined,
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
  const resolved = {
    ...DEFAULTS,
    ...Object.fromEntries(given),
    steering: publisherOf(options.steering),
  } as ResolvedHttpOptions;
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

function publisherOf(given: unknown): SteeringSource | undefined {
  if (given === undefined) return undefined;
  const sources: unknown[] = Array.isArray(given) ? given : [given];
  const found = sources.find((each) => {
    const { name, watch, publish } = (each ?? {}) as Partial<SteeringSource>;
    const isSource = typeof name === 'string' && typeof watch === 'function';
    return isSource && typeof publish === 'function';
  });
  if (found !== undefined) return found as SteeringSource;
  throw invalid('steering', 'a source that can publish, such as redisSteering()', given);
}
