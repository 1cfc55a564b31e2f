import { foreignError, foreignReason } from '../foreign/foreign-error.js';
import { foreignText } from '../foreign/foreign-text.js';
import { holdSecrets } from '../foreign/held-secrets.js';
import { ownError } from '../foreign/own-error.js';
import { secretsIn } from '../foreign/secrets-in.js';
import {
  asCredentials,
  DEFAULT_REST_PORT,
  type LagAwareSettings,
  type LagAwareStrategyOptions,
  resolveLagAware,
} from './lag-aware-options.js';
import type { RestClient, RestResponse } from './rest-client.js';
import type { HealthCheckRole, HealthCheckStrategy, Probe } from './strategy.js';

/**
 * Asks the REST API of Redis Software (Enterprise) whether the database is available and, for an
 * Active-Active database, whether it has caught up with the others. A gate by default: lag prevents
 * a failback but does not make the client leave the active database.
 *
 * Without `databaseId` the strategy looks up the database by its host and remembers it until a
 * request fails. One object can serve several databases. It does not connect to the database
 * itself.
 */
export class LagAwareStrategy implements HealthCheckStrategy {
  readonly name = 'LAG-AWARE';
  /**
   * `gate` by default: lag keeps a standby from becoming active and does not evict the active
   * database.
   */
  readonly role: HealthCheckRole;
  readonly #settings: LagAwareSettings;
  /** Loaded by the first check, because few applications need HTTPS. */
  #rest: Promise<RestClient> | undefined;
  /** Found by host; by id of the database in the group. */
  readonly #uids = new Map<string, number>();

  /** Throws `InvalidOptionError`. Warns when certificates are not to be verified. */
  constructor(options?: LagAwareStrategyOptions) {
    this.#settings = resolveLagAware(options);
    holdSecrets(this, secretsIn(options));
    this.role = this.#settings.role;
    if (this.#settings.tls.rejectUnauthorized !== false) return;
    process.emitWarning(
      'LagAwareStrategy does not verify the server that it sends its credentials to: tls.rejectUnauthorized is false',
      { type: 'RedisMultiDbWarning', code: 'REDIS_MULTIDB_UNVERIFIED_TLS' },
    );
  }

  /** Resolves to true when the REST API reports the database as available. */
  async check(probe: Probe): Promise<boolean> {
    const base = this.#settings.restUrl ?? restUrlOf(probe);
    const known = this.#settings.uid ?? this.#uids.get(probe.databaseId);
    try {
      const uid = known ?? (await this.#findUid(base, probe));
      await this.#checkAvailability(base, uid, probe);
      if (this.#settings.uid === undefined) this.#uids.set(probe.databaseId, uid);
      return true;
    } catch (error) {
      this.#uids.delete(probe.databaseId);
      throw error;
    }
  }

  /** Ends the connections that are kept open. */
  close(): void {
    // Failed to load: there is nothing to close.
    this.#rest?.then(
      (rest) => rest.close(),
      () => {},
    );
  }

  async #findUid(base: URL, probe: Probe): Promise<number> {
    const path = 'v1/bdbs?fields=uid,endpoints';
    const response = await this.#get(base, path, probe.signal);
    if (response.status !== 200 || errorCodeOf(response.body) !== undefined) {
      throw ownError(explain(base, path, response));
    }
    const databases = parse(response.body);
    if (!Array.isArray(databases)) {
      throw ownError(`${where(base, path)} did not answer with a JSON list of databases`);
    }
    const found = matching(databases, probe);
    if (found.length === 1) return found[0] as number;
    const { host } = probe;
    throw ownError(
      found.length === 0
        ? `no database of ${base.host} has an endpoint with the host ${host}; set databaseId`
        : `${found.length} databases of ${base.host} have an endpoint with the host ${host}; set databaseId`,
    );
  }

  async #checkAvailability(base: URL, uid: number, probe: Probe): Promise<void> {
    const path = `v1/bdbs/${uid}/availability${this.#settings.query}`;
    const response = await this.#get(base, path, probe.signal);
    if (response.status === 200 && errorCodeOf(response.body) === undefined) return;
    throw ownError(explain(base, path, response));
  }

  async #get(base: URL, path: string, signal: AbortSignal): Promise<RestResponse> {
    const authorization = await this.#authorization();
    signal.throwIfAborted();
    const url = new URL(path, base.pathname.endsWith('/') ? base : `${base.href}/`);
    try {
      this.#rest ??= loadRestClient(this.#settings);
      return await (await this.#rest).get(url, authorization, signal);
    } catch (cause) {
      throw ownError(`${where(base, path)}: ${foreignReason(cause)}`, {
        cause: foreignError(cause),
      });
    }
  }

  async #authorization(): Promise<string | undefined> {
    let given: unknown;
    try {
      given = await this.#settings.credentials();
    } catch (cause) {
      throw ownError(`the credentials function failed: ${foreignReason(cause)}`, {
        cause: foreignError(cause),
      });
    }
    if (given === undefined) return undefined;
    const credentials = asCredentials(given);
    if (credentials === undefined) {
      throw ownError('the credentials function did not return { username, password }');
    }
    const { username, password } = credentials;
    holdSecrets(this, secretsIn(credentials));
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }
}

async function loadRestClient({ tls }: LagAwareSettings): Promise<RestClient> {
  const { RestClient } = await import('./rest-client.js');
  return new RestClient(tls);
}

function restUrlOf({ host }: Probe): URL {
  return new URL(`https://${host.includes(':') ? `[${host}]` : host}:${DEFAULT_REST_PORT}`);
}

/**
 * The uids of the databases with an endpoint at the probed host. Databases of one cluster share
 * the addresses of its nodes, so that the port decides where the host alone does not.
 */
function matching(databases: readonly unknown[], { host, port }: Probe): number[] {
  const wanted = normal(host);
  const uids = new Set<number>();
  const withPort = new Set<number>();
  for (const database of databases) {
    const { uid, endpoints } = (database ?? {}) as { uid?: unknown; endpoints?: unknown };
    if (typeof uid !== 'number' || !Array.isArray(endpoints)) continue;
    for (const endpoint of endpoints) {
      const names = [endpoint?.dns_name, ...[endpoint?.addr].flat()];
      if (!names.some((name) => typeof name === 'string' && normal(name) === wanted)) continue;
      uids.add(uid);
      if (endpoint.port === port) withPort.add(uid);
    }
  }
  return [...(uids.size > 1 && withPort.size > 0 ? withPort : uids)];
}

function normal(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$|\.$/g, '');
}

function where(base: URL, path: string): string {
  return `GET ${base.origin}/${path.replace(/\?.*/, '')}`;
}

/** Why a response does not mean healthy. */
function explain(base: URL, path: string, { status, location, body }: RestResponse): string {
  const answered = `${where(base, path)} answered ${status}`;
  if (status >= 300 && status < 400) {
    // Masked before it is parsed: a URL has its host in lower case.
    const given = foreignText(location ?? '');
    const target = URL.canParse(given, base.href) ? new URL(given, base.href).origin : 'nowhere';
    return `${answered}, a redirect to ${target}, which is not followed; set restUrl`;
  }
  if (status === 401) return `${answered}: the credentials were not accepted`;
  if (status === 403) return `${answered}: the user lacks the permission to view databases`;
  const code = errorCodeOf(body);
  const { description } = (parse(body) ?? {}) as { description?: unknown };
  const details = typeof description === 'string' ? ` (${printable(description)})` : '';
  return code === undefined ? answered : `${answered}: ${printable(code)}${details}`;
}

function errorCodeOf(body: string): string | undefined {
  const { error_code: code } = (parse(body) ?? {}) as { error_code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** `undefined` when it is no JSON. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function printable(text: string): string {
  return foreignText(text, 200).replace(/[^\x20-\x7e]/g, ' ');
}
