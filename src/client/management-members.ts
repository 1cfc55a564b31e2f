import { InvalidOptionError } from '../errors.js';
import { checkOption } from '../options/check.js';
import { resolveHealthCheck } from '../options/health-check.js';
import { requireAddress } from '../options/require-address.js';
import type { ResolvedDatabase } from '../options/types.js';
import { resolveDatabase } from '../options/validate.js';
import { warnAbout } from '../options/warnings.js';
import type { AddOptions, DrainOptions, ForceOptions } from '../runtime/group/managed-client.js';
import { Management } from '../runtime/group/management.js';
import type { Session } from '../runtime/group/session.js';
import type { SharedGroup } from '../runtime/group/shared-group.js';
import { type Explanation, explain } from '../runtime/report/explain.js';
import { snapshot } from '../runtime/report/snapshot.js';
import { type MultiDbStats, stats } from '../runtime/report/stats.js';
import { anyObject, invalid } from '../validation/check.js';
import { durationOrNone } from '../validation/rules.js';

/** How the API of a client differs from that of another. */
export interface ClientApi {
  /** The error for a call on a client that is not open. */
  notOpen(): Error;
  /** Default: a database of this API is one of the engine. */
  readonly translating?: Translating;
}

/** Passes a database of an API to `use`, converted into one of the engine. */
export type Translating = <T>(database: unknown, use: (database: unknown) => T) => T;

/**
 * The members of `ManagedClient` that report on the databases and manage them, over the session of
 * one client. `name` is the name of the client in metrics.
 */
export function managementMembers(
  name: string,
  session: Session,
  { rejections, options: { group } }: SharedGroup,
  { notOpen, translating = (database, use) => use(database) }: ClientApi,
): object {
  const coordinator = () => session.group.coordinator;
  const manage = () => new Management(session.group);
  const running = () => {
    if (!session.isOpen || coordinator().phase !== 'running') throw notOpen();
    return manage();
  };
  /** `given` is the id that is allowed although a database has it. */
  const resolve = (database: unknown, given?: string): ResolvedDatabase => {
    const taken = [...coordinator().databases.keys()].filter((id) => id !== given);
    return translating(database, (translated) => {
      const added = resolveDatabase(translated, 'database', group, taken);
      requireAddress(added, 'database');
      warnAbout([added]);
      return added;
    });
  };

  return {
    get isOpen() {
      return session.isOpen;
    },
    get isReady() {
      return session.isReady;
    },
    get databases() {
      return coordinator()
        .all()
        .map((database) => snapshot(coordinator(), database));
    },
    get activeDatabase() {
      return coordinator().route.database?.id;
    },
    setActiveDatabase: rejections.wrap(async (id: string) => running().setActive(id)),
    forceActiveDatabase: rejections.wrap(async (id: string, options: ForceOptions | number = {}) =>
      force(running(), id, options),
    ),
    releaseActiveDatabase: () => running().release(),
    drainDatabase: rejections.wrap(async (id: string, options: DrainOptions | number = {}) =>
      running().drain(id, durationOf(options)),
    ),
    resumeDatabase: (id: string) => running().resume(id),
    addDatabase: rejections.wrap(async (database: unknown, options: unknown = {}) => {
      const management = running();
      const added = await management.add(resolve(database), addOptionsOf(options));
      return snapshot(coordinator(), added);
    }),
    removeDatabase: rejections.wrap(async (id: string) => running().remove(id)),
    replaceDatabase: rejections.wrap(async (id: string, database: unknown) =>
      snapshot(coordinator(), await running().replace(id, resolve(database, id))),
    ),
    getWeight: (id: string) => manage().find(id).ownWeight,
    setWeight: (id: string, weight: number) =>
      manage().setWeight(id, checkOption('databases[].weight', weight, 'weight')),
    addHealthCheck: (id: string, healthCheck: unknown) => {
      const management = running();
      management.find(id);
      return management.addHealthCheck(id, resolveHealthCheck(healthCheck));
    },
    removeHealthCheck: (id: string, name: string) => running().removeHealthCheck(id, name),
    get failbackSupported() {
      return coordinator().failbackSchedule.supported;
    },
    setFailbackSupported: (supported: boolean) =>
      manage().setFailbackSupported(
        checkOption('failbackSupported', supported, 'failbackSupported'),
      ),
    isHealthy: (id: string) => {
      const database = manage().find(id);
      return database.health === 'healthy' && database.connected;
    },
    explain: (): Explanation => explain(coordinator()),
    stats: (): MultiDbStats => stats(name, session.group),
  };
}

function addOptionsOf(options: unknown): AddOptions {
  const given = anyObject(options, 'options', 'an object with skipInitialHealthCheck');
  for (const [name, value] of Object.entries(given)) {
    if (name !== 'skipInitialHealthCheck') {
      throw invalid(name, 'a known option (skipInitialHealthCheck)', name);
    }
    if (value !== undefined && typeof value !== 'boolean') {
      throw invalid(name, 'true or false', value);
    }
  }
  return given;
}

/** As the options say, or, as Jedis has it, for a number of milliseconds. */
async function force(management: Management, id: string, options: unknown): Promise<void> {
  if (typeof options === 'number') return management.forceActive(id, checkDuration(options));
  const names = 'durationMs, unchecked';
  const given = anyObject(options, 'options', `an object with ${names}, or milliseconds`);
  const { unchecked = false, ...rest } = given;
  if (typeof unchecked !== 'boolean') throw invalid('unchecked', 'true or false', unchecked);
  const durationMs = durationOf(rest, names);
  if (!unchecked) return management.forceActive(id, durationMs);
  if (rest.durationMs === undefined || durationMs < 1) {
    throw new InvalidOptionError(
      'durationMs',
      '1 to 2^31-1, or Infinity, with unchecked',
      rest.durationMs,
    );
  }
  management.forceUnchecked(id, durationMs);
}

/** Of the options or, as Jedis has it, of the number. Nothing is held without end by mistake. */
function durationOf(options: unknown, known = 'durationMs'): number {
  if (typeof options === 'number') return checkDuration(options);
  const given = anyObject(options, 'options', 'an object with durationMs, or milliseconds');
  for (const name of Object.keys(given)) {
    if (name !== 'durationMs') throw invalid(name, `a known option (${known})`, name);
  }
  return checkDuration(given.durationMs ?? Number.POSITIVE_INFINITY);
}

function checkDuration(value: unknown): number {
  const isEndless = value === Number.POSITIVE_INFINITY;
  if (isEndless || durationOrNone.accepts(value)) return value;
  throw new InvalidOptionError('durationMs', '0 to 2^31-1', value);
}
