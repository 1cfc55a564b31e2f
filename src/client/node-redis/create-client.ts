import type { EventEmitter } from 'node:events';
import type {
  RedisFunctions,
  RedisModules,
  RedisScripts,
  RespVersions,
  TypeMapping,
} from '@redis/client';
import { ClientClosedError } from '../../errors.js';
import type { ClientOptions } from '../../options/client.js';
import { parseConnectionString } from '../../options/connection-string.js';
import { resolveDuplicate } from '../../options/duplicate.js';
import { hedgingOfView } from '../../options/hedging.js';
import { CacheValidity } from '../../runtime/command/cache-validity.js';
import type { Executor } from '../../runtime/group/executor.js';
import { Session } from '../../runtime/group/session.js';
import type { SharedGroup } from '../../runtime/group/shared-group.js';
import { createGroup, type GroupParts } from '../create-group.js';
import { define } from '../define.js';
import { managementMembers } from '../management-members.js';
import type { TraceSource } from '../traced-call.js';
import { activePlace, traceConnect } from '../tracing.js';
import type { DefaultRespVersion, MultiDbClient, MultiDbClientOptions } from './client-type.js';
import { withCounterpart } from './counterpart-errors.js';
import { createFacade } from './facade.js';
import { FacadeRegistration } from './facade-registration.js';
import type { CommandSink } from './internals.js';
import { iteratorMembers } from './iterators.js';
import { legacyInterface } from './legacy.js';
import { publishingMembers } from './publishing.js';
import { pubSubMembers } from './pubsub.js';
import { transactionMember } from './transaction.js';

/**
 * A client of several Redis databases that is used like a node-redis client. It sends every command
 * to the preferred healthy database, leaves it when it fails, and returns when it has recovered.
 *
 * `options` can be a connection string: `rediss://app:secret@east.example.com,west.example.com/0`.
 *
 * Opens nothing before `connect()`. Throws `InvalidOptionError`.
 */
export function createMultiDbClient<
  M extends RedisModules = Record<never, never>,
  F extends RedisFunctions = Record<never, never>,
  S extends RedisScripts = Record<never, never>,
  RESP extends RespVersions = DefaultRespVersion,
  TM extends TypeMapping = Record<never, never>,
>(options: MultiDbClientOptions<M, F, S, RESP, TM> | string): MultiDbClient<M, F, S, RESP, TM> {
  const plain = typeof options === 'string' ? parseConnectionString(options) : options;
  return buildClient(plain) as unknown as MultiDbClient<M, F, S, RESP, TM>;
}

/** How a client over something else than node-redis differs. */
export interface ClientParts {
  /** What the group runs on. Default: the system and node-redis. */
  readonly group?: GroupParts;
  /** Converts an error of the engine or of a driver into that of node-redis. */
  readonly toClientError?: Executor['toClientError'];
}

/** Also for databases that are reached by other means than node-redis. */
export function buildClient(
  options: unknown,
  { group, toClientError = withCounterpart }: ClientParts = {},
): MultiDbClient {
  const { name, shared } = createGroup(options, () => first as MultiDbClient, group);
  const origin = { name, shared, toClientError };
  const first: unknown = createMember(origin, shared.options.group.client);
  return first as MultiDbClient;
}

/** What a client and its duplicates have in common. */
interface Origin {
  readonly name: string;
  readonly shared: SharedGroup;
  readonly toClientError: Executor['toClientError'];
}

/** A client of a group: the first one, or a duplicate. `like` has the same methods. */
function createMember(origin: Origin, client: ClientOptions, like?: object): unknown {
  const { name, shared, toClientError } = origin;
  const { rejections } = shared;
  const source: TraceSource = {
    client: name,
    get group() {
      return session.group.counters.group;
    },
    place: () => activePlace(session.group.coordinator),
  };
  const sink: CommandSink = {
    source,
    send: (args, commandOptions) =>
      session.executor?.send(args, commandOptions) ?? sink.refuse(notOpen()),
    answer: (args, commandOptions) =>
      session.executor?.answer(args, commandOptions) ?? sink.refuse(notOpen()),
    call: (args, commandOptions, resolve, reject) => {
      const { executor } = session;
      if (executor === undefined) sink.refuse(notOpen()).catch(reject);
      else executor.call(args, commandOptions, resolve, reject);
    },
    sendBatch: (kind, commands, commandOptions) =>
      session.executor?.send([kind.toUpperCase()], commandOptions, { kind, commands }) ??
      sink.refuse(notOpen()),
    refuse: (error) => rejections.reject(error),
    hedgingOf: (value) => hedgingOfView(value, client, shared.options.standbyConnections),
  };
  const cacheValidity: CacheValidity = new CacheValidity(() => session.executor, shared);
  const facade = createFacade(client, sink, cacheValidity, like);
  const isTracked = Boolean(client.clientSideCache || client.emitInvalidate);
  const session: Session = new Session(
    shared,
    facade as unknown as EventEmitter,
    isTracked ? cacheValidity : undefined,
    toClientError,
  );
  if (client.name !== shared.options.group.client.name) {
    session.settings.set('SETNAME', ['CLIENT', 'SETNAME', String(client.name)]);
  }
  if (client.emitInvalidate) {
    cacheValidity.listen({
      onFlush: () => shared.tell(session, 'invalidate', null),
      onInvalidate: (key) => shared.tell(session, 'invalidate', key),
    });
  }
  const registration = new FacadeRegistration(
    facade._self,
    source,
    () => session.executor?.pending ?? 0,
  );
  define(facade._self, members(session, shared, { facade: () => facade, source, registration }));
  define(facade._self, managementMembers(name, session, shared, { notOpen }));
  const { iterators, commandRetry } = shared.options;
  define(
    facade._self,
    iteratorMembers(facade, { iterators, maxRestarts: commandRetry.maxAttempts }),
  );
  define(facade._self, pubSubMembers(session.subscriptions, rejections));
  define(facade._self, publishingMembers(facade._self));
  define(
    facade._self,
    transactionMember(client, facade, () => session.executor, { source, rejections }),
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
      return createMember(origin, own, sameMethods ? facade : undefined);
    },
  });
  return facade;
}

/** The context of the members of a client, in addition to its session. */
interface Outside {
  readonly facade: () => object;
  readonly source: TraceSource;
  readonly registration: FacadeRegistration;
}

function members(
  session: Session,
  shared: SharedGroup,
  { facade, source, registration }: Outside,
): Record<string | symbol, unknown> {
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
    connect: shared.rejections.wrap(() => traceConnect(connect, facade(), source)),
    close,
    destroy,
    disconnect: async () => destroy(),
    quit,
    QUIT: quit,
    [Symbol.asyncDispose]: close,
    ref: () => session.ref(),
    unref: () => session.unref(),
  };
}

/** `connect()` was not called yet, or the client has been closed since. */
function notOpen(): ClientClosedError {
  return withCounterpart(new ClientClosedError());
}
