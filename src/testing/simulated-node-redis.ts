import { ErrorReply } from '@redis/client';
import type { MultiDbClient, MultiDbClientOptions } from '../client/node-redis/client-type.js';
import { withCounterpart } from '../client/node-redis/counterpart-errors.js';
import { buildClient } from '../client/node-redis/create-client.js';
import type { Random } from '../clock.js';
import { InvalidOptionError } from '../errors.js';
import type { FakeDatabase } from './fake-database.js';
import { FakeErrorReply } from './fake-errors.js';
import { seededRandom } from './random.js';
import type { SimulatedDatabase } from './simulated-client.js';
import type { VirtualClock } from './virtual-clock.js';

/** Options of `createSimulatedClient()`. */
export interface SimulatedNodeRedisOptions {
  /** The clock on which the engine and the databases run. */
  readonly clock: VirtualClock;
  /** The databases, in order of configuration. */
  readonly databases: readonly SimulatedDatabase[];
  /**
   * Fake databases that `addDatabase` and `replaceDatabase` may name later, with their `address` in
   * the `url`.
   */
  readonly others?: readonly FakeDatabase[];
  /** Options as for `createMultiDbClient`. `client.RESP` is always 2. */
  readonly options?: Omit<MultiDbClientOptions, 'databases'>;
  /**
   * Source of randomness for all jitter. Default: a seeded one, so that a simulation is repeatable.
   */
  readonly random?: Random;
}

/**
 * A client with all methods of `createMultiDbClient`, over fake databases on a virtual clock. Code
 * of an application, and libraries that take a node-redis client, can use it. Its commands settle
 * only while the clock advances: see `VirtualClock.settled`.
 */
export function createSimulatedClient({
  clock,
  databases,
  others = [],
  options = {},
  random = seededRandom(1),
}: SimulatedNodeRedisOptions): MultiDbClient {
  const all = [...databases.map(({ database }) => database), ...others];
  const fakes = new Map(all.map((fake) => [fake.id, fake]));
  const { RESP = 2 } = (options.client ?? {}) as { RESP?: number };
  if (RESP !== 2) throw new InvalidOptionError('client.RESP', '2 over fake databases', RESP);
  const engine = {
    ...options,
    client: { ...options.client, RESP: 2 },
    databases: databases.map(({ database, ...own }) => ({
      ...own,
      id: database.id,
      client: { url: `redis://${database.address}` },
    })),
  };
  const createDriver = ({ id }: { readonly id: string }) => {
    const fake = fakes.get(id);
    if (fake !== undefined) return fake.driver;
    throw new InvalidOptionError('id', `the id of a fake database: ${[...fakes.keys()]}`, id);
  };
  return buildClient(engine, {
    group: { clock, random, createDriver },
    toClientError: (error) => withCounterpart(asErrorReply(error)),
  });
}

/** Applications and libraries know the error replies of node-redis. */
function asErrorReply(error: unknown): unknown {
  if (!(error instanceof FakeErrorReply)) return error;
  const reply = new ErrorReply(error.message);
  return Object.assign(reply, { ...error, name: reply.name, stack: error.stack });
}
