import { durationOrNone, flag, oneOf, type Rule } from '../validation/rules.js';
import type { RestTlsOptions } from './rest-client.js';
import type { HealthCheckRole } from './strategy.js';
import { StrategyOptions } from './strategy-options.js';

/** Credentials of a management user with permission to view databases (`db_viewer`). */
export interface RestCredentials {
  /** The name of the user. */
  readonly username: string;
  /** The password of the user; errors and reports never show it. */
  readonly password: string;
}

/** Options of `LagAwareStrategy`. */
export interface LagAwareStrategyOptions {
  /**
   * The `https` URL of the REST API; the default port is 9443. Default: `https://<host of the
   * database>:9443` for each database.
   */
  readonly restUrl?: string | URL;
  /**
   * A value, or a function that is called before every request, so that credentials can change.
   * Default: none.
   */
  readonly credentials?: RestCredentials | (() => RestCredentials | Promise<RestCredentials>);
  /** `uid` of the database in the cluster. Default: found by the database's host. */
  readonly databaseId?: number;
  /** Also asks for the replication lag, which only an Active-Active database can answer. Default: true. */
  readonly extendedCheckEnabled?: boolean;
  /** Accepted lag, 0 to 2^31-1 ms. Default: 5000. */
  readonly availabilityLagToleranceMs?: number;
  /** `full` also makes the client leave the active database. Default: `gate`. */
  readonly role?: HealthCheckRole;
  /** TLS options of the REST API, not of the database. */
  readonly tls?: RestTlsOptions;
}

export interface LagAwareSettings {
  /** `undefined`: the host of the database. */
  readonly restUrl: URL | undefined;
  readonly credentials: () => RestCredentials | undefined | Promise<RestCredentials>;
  readonly uid: number | undefined;
  /** Query of the availability request. */
  readonly query: string;
  readonly role: HealthCheckRole;
  readonly tls: RestTlsOptions;
}

export const DEFAULT_REST_PORT = 9443;

const AT = 'LagAwareStrategy';
const TLS_AT = `${AT}.tls`;

const uidRule: Rule<number> = {
  range: 'an integer, 1 or more',
  accepts: (value): value is number => Number.isSafeInteger(value) && (value as number) >= 1,
};
const text: Rule<string> = {
  range: 'a non-empty string',
  accepts: (value): value is string => typeof value === 'string' && value !== '',
};
const pem: Rule<string | Buffer> = {
  range: 'a PEM string or Buffer',
  accepts: (value): value is string | Buffer => text.accepts(value) || Buffer.isBuffer(value),
};
const pems: Rule<string | Buffer | readonly (string | Buffer)[]> = {
  range: 'a PEM string or Buffer, or an array of these',
  accepts: (value): value is string | Buffer =>
    Array.isArray(value) ? value.length > 0 && value.every(pem.accepts) : pem.accepts(value),
};

/** Throws `InvalidOptionError`, never with a secret in it. */
export function resolveLagAware(given: LagAwareStrategyOptions | undefined): LagAwareSettings {
  const known = [
    'restUrl',
    'credentials',
    'databaseId',
    'extendedCheckEnabled',
    'availabilityLagToleranceMs',
    'role',
    'tls',
  ];
  const options = new StrategyOptions(given, AT, known, ['credentials']);
  const tolerance = options.read('availabilityLagToleranceMs', durationOrNone, 5000);
  const extended = options.read('extendedCheckEnabled', flag, true);
  return {
    restUrl: resolveUrl(options),
    credentials: resolveCredentials(options),
    uid: options.read('databaseId', uidRule, undefined),
    query: extended
      ? `?extend_check=lag&availability_lag_tolerance_ms=${Math.round(tolerance)}`
      : '',
    role: options.read('role', oneOf(['gate', 'full']), 'gate'),
    tls: resolveTls(options.get('tls')),
  };
}

/** `undefined` when it is no usable pair. */
export function asCredentials(value: unknown): RestCredentials | undefined {
  const { username, password } = (value ?? {}) as Partial<Record<string, unknown>>;
  if (typeof username !== 'string' || typeof password !== 'string') return undefined;
  // Basic authentication has no way to write a colon in a name.
  if (username === '' || username.includes(':')) return undefined;
  return { username, password };
}

function resolveUrl(options: StrategyOptions): URL | undefined {
  const given = options.get('restUrl');
  if (given === undefined) return undefined;
  const expected = 'an https URL without credentials and query, such as https://cluster:9443';
  const url = URL.canParse(String(given)) ? new URL(String(given)) : undefined;
  if (url?.protocol !== 'https:' || url.username || url.password || url.search) {
    throw options.invalid('restUrl', expected);
  }
  // A URL forgets the port that is its scheme's own.
  if (url.port === '' && !/^https:\/\/[^/?#]*:443(?!\d)/i.test(String(given))) {
    url.port = String(DEFAULT_REST_PORT);
  }
  return url;
}

function resolveCredentials(options: StrategyOptions): LagAwareSettings['credentials'] {
  const given = options.get('credentials');
  if (typeof given === 'function') return given as LagAwareSettings['credentials'];
  const credentials = asCredentials(given);
  if (given !== undefined && credentials === undefined) {
    const expected = '{ username, password }, or a function that returns it';
    throw options.invalid('credentials', `${expected}; no colon in the name`);
  }
  return () => credentials;
}

function resolveTls(given: unknown): RestTlsOptions {
  const known = ['ca', 'cert', 'key', 'passphrase', 'servername', 'rejectUnauthorized'];
  const options = new StrategyOptions(given, TLS_AT, known, ['cert', 'key', 'passphrase']);
  const tls = {
    ca: options.read('ca', pems, undefined),
    cert: options.read('cert', pem, undefined),
    key: options.read('key', pem, undefined),
    passphrase: options.read('passphrase', text, undefined),
    servername: options.read('servername', text, undefined),
    rejectUnauthorized: options.read('rejectUnauthorized', flag, true),
  };
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw options.invalid(tls.cert === undefined ? 'cert' : 'key', 'both cert and key, or neither');
  }
  return Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
}
