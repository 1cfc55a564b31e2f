import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { Driver } from '../driver.js';
import type { PoolObserver } from '../pool/pool-connection.js';
import { shownArguments } from './library-internals.js';

/**
 * node-redis's own tracing channels. Each call of an application is reported there once, whether it
 * is refused, sent, or retried. The engine's own commands are not reported.
 */
const COMMANDS = tracingChannel<object>('node-redis:command');
const BATCHES = tracingChannel<object>('node-redis:batch');
const CONNECTS = tracingChannel<object>('node-redis:connect');
const POOL_WAITS = channel('node-redis:pool:connection-wait');

/** The server that a client's commands go to at the moment. */
export interface ServerPlace {
  readonly serverAddress: string | undefined;
  readonly serverPort: number | undefined;
  readonly database: number;
}

/** The parts of the engine that are used. */
interface Databases {
  readonly route: { readonly database: DatabaseInUse | undefined };
  all(): readonly DatabaseInUse[];
}

interface DatabaseInUse {
  readonly driver: Pick<Driver, 'host' | 'port' | 'endpoint'>;
  readonly options: { readonly client: object };
  readonly weight: number;
}

/**
 * Returns the place of the active database; while there is none, of the one with the highest
 * weight.
 */
export function placeOf(databases: Databases): ServerPlace {
  const database =
    databases.route.database ??
    databases.all().reduce((best, each) => (each.weight > best.weight ? each : best));
  const { driver, options } = database;
  const { host, port } = driver.endpoint ?? driver;
  const { database: index, url } = options.client as { database?: number; url?: string };
  const inUrl = url === undefined ? undefined : /^rediss?:\/\/[^/?#]*\/(\d+)/.exec(url)?.[1];
  return { serverAddress: host, serverPort: port, database: Number(inUrl ?? index ?? 0) };
}

/** The client that is traced. */
export interface Traced {
  readonly _clientId?: string;
}

export type FindPlace = () => ServerPlace;

export interface BatchShape {
  readonly batchMode: 'MULTI' | 'PIPELINE';
  readonly batchSize: number;
}

export const isTracingCommands = (): boolean => COMMANDS.hasSubscribers;
export const isTracingBatches = (): boolean => BATCHES.hasSubscribers || COMMANDS.hasSubscribers;

export function traceCommand<T>(
  send: () => PromiseLike<T>,
  args: readonly unknown[],
  client: Traced,
  place: FindPlace,
): Promise<T> {
  return trace(COMMANDS, send, commandContext(args, client, place));
}

/** As in node-redis, a pipeline reports each of its commands, a transaction only itself. */
export function traceBatch<T>(
  send: () => PromiseLike<T>,
  shape: BatchShape,
  commands: readonly (readonly unknown[])[],
  client: Traced,
  place: FindPlace,
): Promise<T> {
  const context = { ...shape, ...place(), clientId: client._clientId };
  return trace(
    BATCHES,
    () => {
      const sent = Promise.resolve(send());
      if (shape.batchMode !== 'PIPELINE' || !COMMANDS.hasSubscribers) return sent;
      for (const [index, args] of commands.entries()) {
        const reply = sent.then((replies) => (replies as unknown[])[index]);
        const one = { ...commandContext(args, client, place), ...shape };
        trace(COMMANDS, () => reply, one).catch(() => {});
      }
      return sent;
    },
    context,
  );
}

export function traceConnect<T>(
  connect: () => Promise<T>,
  client: Traced,
  place: FindPlace,
): Promise<T> {
  if (!CONNECTS.hasSubscribers) return connect();
  const { serverAddress, serverPort } = place();
  return trace(CONNECTS, connect, { serverAddress, serverPort, clientId: client._clientId });
}

/**
 * Reports how long each command of a pool waits for a connection, while the channel has
 * subscribers.
 */
export const poolWaits: PoolObserver = {
  get isActive() {
    return POOL_WAITS.hasSubscribers;
  },
  onAcquired: (connection, askedAt) => {
    const { clientId } = connection as { readonly clientId?: string };
    POOL_WAITS.publish({ clientId, waitStartTimestamp: askedAt });
  },
};

function trace<T>(
  tracing: typeof COMMANDS,
  run: () => PromiseLike<T>,
  context: object,
): Promise<T> {
  return tracing.tracePromise(run as () => Promise<T>, context);
}

function commandContext(args: readonly unknown[], client: Traced, place: FindPlace): object {
  return { ...commandShown(args), clientId: client._clientId, ...place() };
}

/** Arguments that can't be read are rejected later, when they are sent. */
function commandShown(args: readonly unknown[]): { command: string; args: readonly string[] } {
  try {
    return { command: String(args[0]).toUpperCase(), args: shownArguments(args) };
  } catch {
    return { command: 'UNKNOWN', args: [] };
  }
}
