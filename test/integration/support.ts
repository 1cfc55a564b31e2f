/**
 * What the integration tests share: databases east, west and north in this order of preference,
 * over real servers; a record of the client's events; callers that never stop.
 */
import {
  createMultiDbClient,
  type MultiDbClient,
  type MultiDbClientOptions,
  type MultiDbEventName,
  type MultiDbEvents,
  type SteeringSource,
  type SwitchEvent,
} from 'redis-multidb';
import { afterEach } from 'vitest';
import { type RedisServer, startRedis, stopAll, waitFor } from '../kit/index.js';
import { QUICK } from './timing.js';

export { LONG_GRACE, QUICK } from './timing.js';

export const IDS = ['east', 'west', 'north'] as const;
const WEIGHTS = [1, 0.5, 0.25];

/** Where a database is: a server or a proxy of the kit. */
export interface Target {
  readonly url: string;
}

type Options = Partial<MultiDbClientOptions>;

/** A steering source without a document: what steering reports has a value. */
export const UNSTEERED: SteeringSource = {
  name: 'none',
  watch(context) {
    context.absent();
    return () => {};
  },
};

const clients = new Set<{ destroy(): void }>();

/** Ends every client of a test and every server and proxy. */
afterEach(async () => {
  for (const client of clients) client.destroy();
  clients.clear();
  await stopAll();
});

/** Destroys `client` after the test. */
export function own<T extends { destroy(): void }>(client: T): T {
  clients.add(client);
  return client;
}

export async function servers<N extends number = 2>(count = 2 as N): Promise<Servers<N>> {
  const started = await Promise.all(Array.from({ length: count }, () => startRedis()));
  return started as Servers<N>;
}
type Servers<N extends number> = N extends 1
  ? [RedisServer]
  : N extends 3
    ? [RedisServer, RedisServer, RedisServer]
    : [RedisServer, RedisServer];

/** Options of the databases east, west and north at these places. */
export function databases(targets: readonly Target[]) {
  return targets.map(({ url }, index) => ({
    id: IDS[index] as string,
    weight: WEIGHTS[index] as number,
    client: { url },
  }));
}

/** A client of the databases at these places, not connected; it ends with the test. */
export function clientOf(targets: readonly Target[], options: Options = {}): MultiDbClient {
  const client = createMultiDbClient({
    ...QUICK,
    databases: databases(targets),
    ...options,
  } as MultiDbClientOptions);
  return own(client as unknown as MultiDbClient);
}

/**
 * The same, connected, with the first verdict on every database in. The preferred one is active, if the
 * client may return to it: on a busy machine it may need longer for that than `initialWaitMs`.
 */
export async function connected(
  targets: readonly Target[],
  options: Options = {},
): Promise<MultiDbClient> {
  const client = clientOf(targets, { keepConnectingMs: 10_000, ...options });
  await client.connect();
  await healthy(client);
  if (options.failbackSupported !== false) await preferred(client);
  return client;
}

/** Resolves when a database of the highest weight is active. */
async function preferred(client: MultiDbClient): Promise<void> {
  const highest = () => Math.max(...client.databases.map(({ weight }) => weight));
  const isPreferred = () =>
    client.databases.some(({ id, weight }) => id === client.activeDatabase && weight === highest());
  await waitFor(isPreferred, { what: 'the preferred one to be active', timeoutMs: 10_000 });
}

/** Resolves when every database of the client, or `id`, is healthy and connected. */
export async function healthy(client: MultiDbClient, id?: string): Promise<void> {
  const wanted = () => client.databases.filter((each) => id === undefined || each.id === id);
  await waitFor(() => wanted().every((each) => client.isHealthy(each.id)), {
    what: `${id ?? 'all'} to be healthy`,
    timeoutMs: 10_000,
  });
}

export const EVENT_NAMES = [
  'switch',
  'failover',
  'failback',
  'database-unhealthy',
  'database-healthy',
  'breaker-open',
  'invalidate',
  'subscriptions-restored',
  'degraded',
  'steered',
  'breaker-closed',
  'all-databases-down',
  'recovered',
  'error',
  'connect',
  'ready',
  'reconnecting',
  'end',
] as MultiDbEventName[];

export interface RecordedEvent {
  readonly name: MultiDbEventName;
  readonly event: unknown;
}

/** Everything that the client tells from now on. */
export function recordEvents(client: Pick<MultiDbClient, 'on'>) {
  const all: RecordedEvent[] = [];
  for (const name of EVENT_NAMES) {
    client.on(name, (...event: unknown[]) => all.push({ name, event: event[0] }));
  }
  const of = <Name extends MultiDbEventName>(name: Name) =>
    all.filter((each) => each.name === name).map((each) => each.event as MultiDbEvents[Name][0]);
  return {
    all,
    of,
    /** `from>to reason` of each switch. */
    get switches(): string[] {
      return of('switch').map(({ from, to, reason }) => `${from}>${to} ${reason}`);
    },
  };
}

/** The next switch to `id` (any other than the active one if it is omitted). */
export function switchTo(client: MultiDbClient, id?: string): Promise<SwitchEvent> {
  return new Promise((resolve) => {
    const listener = (event: SwitchEvent) => {
      if (id !== undefined && event.to !== id) return;
      client.off('switch', listener);
      resolve(event);
    };
    client.on('switch', listener);
  });
}

/** Resolves when `id` is active. */
export async function active(client: MultiDbClient, id: string | undefined): Promise<void> {
  await waitFor(() => client.activeDatabase === id || (id === undefined && !client.isReady), {
    what: `${id} to be active`,
    timeoutMs: 10_000,
  });
}

/** Callers that issue one command after another until they are stopped. */
export class Traffic {
  readonly errors: unknown[] = [];
  successes = 0;
  #stopped = false;
  readonly #callers: Promise<void>[];

  constructor(
    command: () => Promise<unknown>,
    { callers = 100, pauseMs = 0 }: { callers?: number; pauseMs?: number } = {},
  ) {
    this.#callers = Array.from({ length: callers }, async () => {
      while (!this.#stopped) {
        try {
          await command();
          this.successes += 1;
        } catch (error) {
          this.errors.push(error);
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    });
  }

  /** Resolves when `count` more commands have succeeded. */
  async flows(count = 500): Promise<void> {
    const goal = this.successes + count;
    await waitFor(() => this.successes >= goal, { what: 'traffic to flow', timeoutMs: 10_000 });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#callers);
  }
}

/** The error of a promise that has to reject. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('it resolved');
}

/** Keeps the event loop from running. */
export function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** How many connections a server has, without the one that asks. */
export async function connections(server: RedisServer): Promise<number> {
  const list = String(await server.command('CLIENT', 'LIST', 'TYPE', 'normal'));
  return list.trim().split('\n').length - 1;
}
