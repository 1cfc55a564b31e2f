import type { EventEmitter } from 'node:events';
import type {
  RedisFunctions,
  RedisModules,
  RedisScripts,
  RespVersions,
  TypeMapping,
} from '@redis/client';
import { systemClock, systemRandom } from '../../clock.js';
import { publishProbe } from '../../diagnostics/channels.js';
import { clientName } from '../../diagnostics/client-name.js';
import { diagnose } from '../../diagnostics/diagnose.js';
import { createDriver } from '../../drivers/node-redis/create-driver.js';
import { type FindPlace, placeOf, traceConnect } from '../../drivers/node-redis/tracing.js';
import { ClientClosedError, InvalidOptionError } from '../../errors.js';
import { checkOption } from '../../options/check.js';
import type { ClientOptions } from '../../options/client.js';
import { resolveDuplicate } from '../../options/duplicate.js';
import { requireAddress } from '../../options/require-address.js';
import { resolveDatabase, resolveOptions } from '../../options/validate.js';
import { warnAbout } from '../../options/warnings.js';
import { CacheValidity } from '../../runtime/command/cache-validity.js';
import type { DrainOptions, ForceOptions } from '../../runtime/group/managed-client.js';
import { Management } from '../../runtime/group/management.js';
import { Session } from '../../runtime/group/session.js';
import { SharedGroup } from '../../runtime/group/shared-group.js';
import { type Explanation, explain } from '../../runtime/report/explain.js';
import { snapshot } from '../../runtime/report/snapshot.js';
import { type MultiDbStats, stats } from '../../runtime/report/stats.js';
import { anyObject, invalid } from '../../validation/check.js';
import type { DefaultRespVersion, MultiDbClient, MultiDbClientOptions } from './client-type.js';
import { withCounterpart } from './counterpart-errors.js';
import { createFacade } from './facade.js';
import { FacadeRegistration } from './facade-registration.js';
import { type CommandSink, define } from './internals.js';
import { iteratorMembers } from './iterators.js';
import { legacyInterface } from './legacy.js';
import { publishingMembers } from './publishing.js';
import { pubSubMembers } from './pubsub.js';
import { transactionMember } from './transaction.js';

const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * A client of several Redis databases that is used like a node-redis client. It sends every command
 * to the preferred healthy database, leaves it when it fails, and returns when it has recovered.
 *
 * Opens nothing before `connect()`. Throws `InvalidOptionError`.
 */
export function createMultiDbClient<
  M extends RedisModules = Record<never, never>,
  F extends RedisFunctions = Record<never, never>,
  S extends RedisScripts = Record<never, never>,
  RESP extends RespVersions = DefaultRespVersion,
  TM extends TypeMapping = Record<never, never>,
>(options: MultiDbClientOptions<M, F, S, RESP, TM>): MultiDbClient<M, F, S, RESP, TM> {
  const resolved = resolveOptions(options);
  for (const [index, each] of resolved.databases.entries())
    requireAddress(each, `databases[${index}]`);
  warnAbout(resolved.databases);
  const name = clientName(resolved.group.client);
  const shared: SharedGroup = new SharedGroup(resolved, {
    clock: systemClock,
    random: systemRandom,
    createDriver,
    onProbe: (id, probe, { group }) => publishProbe(name, group, id, probe),
    observe: diagnose(name, {
      instance: () => first as MultiDbClient,
      isOpen: () => shared.current.members.size > 0,
    }),
  });
  const first = createMember(name, shared, resolved.group.client);
  return first as MultiDbClient<M, F, S, RESP, TM>;
}

/** A client of a group: the first one, or a duplicate. `like` has the same methods. */
function createMember(
  name: string,
  shared: SharedGroup,
  client: ClientOptions,
  like?: object,
): unknown {
  const { rejections } = shared;
  const place = () => placeOf(session.group.coordinator);
  const sink: CommandSink = {
    place,
    send: (args, commandOptions) =>
      session.executor?.send(args, commandOptions) ?? sink.refuse(notOpen()),
    answer: (args, commandOptions) =>
      session.executor?.answer(args, commandOptions) ?? sink.refuse(notOpen()),
    sendBatch: (kind, commands, commandOptions) =>
      session.executor?.send([kind.toUpperCase()], commandOptions, { kind, commands }) ??
      sink.refuse(notOpen()),
    refuse: (error) => rejections.reject(error),
  };
  const cacheValidity: CacheValidity = new CacheValidity(() => session.executor, shared);
  const facade = createFacade(client, sink, cacheValidity, like);
  const isTracked = Boolean(client.clientSideCache || client.emitInvalidate);
  const session: Session = new Session(
    shared,
    facade as unknown as EventEmitter,
    isTracked ? cacheValidity : undefined,
    withCounterpart,
  );
  if (client.emitInvalidate) {
    cacheValidity.listen({
      onFlush: () => shared.tell(session, 'invalidate', null),
      onInvalidate: (key) => shared.tell(session, 'invalidate', key),
    });
  }
  const registration = new FacadeRegistration(
    facade._self,
    place,
    () => session.executor?.pending ?? 0,
  );
  define(
    facade._self,
    members(name, session, shared, { facade: () => facade, place, registration }),
  );
  const { iterators, commandRetry } = shared.options;
  define(
    facade._self,
    iteratorMembers(facade, { iterators, maxRestarts: commandRetry.maxAttempts }),
  );
  define(facade._self, pubSubMembers(session.subscriptions, rejections));
  define(facade._self, publishingMembers(facade._self));
  define(
    facade._self,
    transactionMember(client, facade, () => session.executor, { place, rejections }),
  );
  define(facade._self, {
    legacy(this: typeof facade) {
      return legacyInterface(this, (error) => shared.tell(session, 'error', error));
    },
    // For a view as well: its command options become those of the duplicate.
    duplicate(this: { readonly _commandOptions?: object }, overrides?: unknown) {
      const { client: own, sameMethods } = resolveDuplicate(
        overrides,
        client,
        this._commandOptions,
      );
      return createMember(name, shared, own, sameMethods ? facade : undefined);
    },
  });
  return facade;
}

/** Of the options or, as Jedis has it, of the number. Nothing is held without end by mistake. */
function durationOf(options: unknown): number {
  if (typeof options === 'number') return checkDuration(options);
  const given = anyObject(options, 'options', 'an object with durationMs, or milliseconds');
  for (const name of Object.keys(given)) {
    if (name !== 'durationMs') throw invalid(name, 'a known option (durationMs)', name);
  }
  return checkDuration(given.durationMs ?? Number.POSITIVE_INFINITY);
}

function checkDuration(value: unknown): number {
  const isEndless = value === Number.POSITIVE_INFINITY;
  const isDuration = typeof value === 'number' && value >= 0 && value <= MAX_TIMER_MS;
  if (isEndless || isDuration) return value;
  throw new InvalidOptionError('durationMs', '0 to 2^31-1', value);
}

/** The context of the members of a client, in addition to its session. */
interface Outside {
  readonly facade: () => object;
  readonly place: FindPlace;
  readonly registration: FacadeRegistration;
}

function members(
  name: string,
  session: Session,
  { rejections, options: { group } }: SharedGroup,
  { facade, place, registration }: Outside,
): Record<string | symbol, unknown> {
  const coordinator = () => session.group.coordinator;
  const manage = () => new Management(session.group);
  const running = () => {
    if (!session.isOpen || coordinator().phase !== 'running') throw notOpen();
    return manage();
  };
  /** `given` is the id that is allowed although a database has it. */
  const resolve = (database: unknown, given?: string) => {
    const taken = [...coordinator().databases.keys()].filter((id) => id !== given);
    const added = resolveDatabase(database, 'database', group, taken);
    requireAddress(added, 'database');
    warnAbout([added]);
    return added;
  };
  const register = () => {
    registration.isOpen = session.executor !== undefined;
  };
  const connect = async () => {
    try {
      const connecting = session.connect();
      register();
      await connecting;
    } catch (error) {
      throw withCounterpart(error);
    } finally {
      register();
    }
    return facade();
  };
  const close = async () => {
    await session.close();
    register();
  };
  const quit = async () => {
    await close();
    return 'OK';
  };
  const destroy = () => {
    session.destroy();
    register();
  };

  return {
    connect: rejections.wrap(() => traceConnect(connect, facade(), place)),
    close,
    destroy,
    disconnect: async () => destroy(),
    quit,
    QUIT: quit,
    [Symbol.asyncDispose]: close,
    ref: () => session.ref(),
    unref: () => session.unref(),
    get isOpen() {
      return session.isOpen;
    },
    get isReady() {
      return session.executor?.serves ?? false;
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
      running().forceActive(id, durationOf(options)),
    ),
    drainDatabase: rejections.wrap(async (id: string, options: DrainOptions | number = {}) =>
      running().drain(id, durationOf(options)),
    ),
    resumeDatabase: (id: string) => running().resume(id),
    addDatabase: rejections.wrap(async (database: unknown) =>
      snapshot(coordinator(), await running().add(resolve(database))),
    ),
    removeDatabase: rejections.wrap(async (id: string) => running().remove(id)),
    replaceDatabase: rejections.wrap(async (id: string, database: unknown) =>
      snapshot(coordinator(), await running().replace(id, resolve(database, id))),
    ),
    getWeight: (id: string) => manage().find(id).weight,
    setWeight: (id: string, weight: number) =>
      manage().setWeight(id, checkOption('databases[].weight', weight, 'weight')),
    isHealthy: (id: string) => {
      const database = manage().find(id);
      return database.health === 'healthy' && database.connected;
    },
    explain: (): Explanation => explain(coordinator()),
    stats: (): MultiDbStats => stats(name, session.group),
  };
}

/** `connect()` was not called yet, or the client has been closed since. */
function notOpen(): ClientClosedError {
  return withCounterpart(new ClientClosedError());
}
