/** The databases of a drill: each with its proxy, and a connection past it. */

import type { ProbeConnection } from '../../drivers/driver.js';
import { createDriver } from '../../drivers/node-redis/create-driver.js';
import type { ResolvedDatabase } from '../../options/types.js';
import type { ValidatedOptions } from '../../options/validate.js';
import { type FaultProxy, startProxy } from '../../test-bed/proxy/fault-proxy.js';
import type { DatabaseInfo, Outage, OutageKind } from '../report/model.js';
import { ask, open } from '../wire/direct.js';
import { type Reached, reach } from './client-options.js';

const TIMEOUT_MS = 5000;

export class Place {
  #direct: ProbeConnection | undefined;

  private constructor(
    readonly database: ResolvedDatabase,
    readonly address: string,
    readonly reached: Reached,
    readonly proxy: FaultProxy,
  ) {}

  static async create(database: ResolvedDatabase): Promise<Place> {
    const reached = reach(database);
    // Encrypted data can only be passed on.
    const proxy = await startProxy(reached.target, { opaque: reached.tls });
    return new Place(database, createDriver(database).address, reached, proxy);
  }

  get id(): string {
    return this.database.id;
  }

  /** Options of `createMultiDbClient` for this database through the proxy. */
  get options(): Record<string, unknown> {
    const { client } = this.reached;
    const socket = { ...(client.socket as object), host: this.proxy.host, port: this.proxy.port };
    const { id, weight, topology } = this.database;
    const pool = this.database.topology === 'pool' ? { pool: this.database.pool } : {};
    return { id, weight, topology, client: { ...client, socket }, ...pool };
  }

  get info(): DatabaseInfo {
    return { id: this.id, weight: this.database.weight, address: this.address };
  }

  /** One command past the proxy. Rejects as the server does, and after 5 s. */
  async command(...args: string[]): Promise<unknown> {
    if (this.#direct?.alive !== true) {
      this.#direct = await open(createDriver(this.database), TIMEOUT_MS);
    }
    return ask(this.#direct, args, TIMEOUT_MS);
  }

  async close(): Promise<void> {
    this.#direct?.destroy();
    this.#direct = undefined;
    await this.proxy.close();
  }
}

/**
 * Opens the proxies of all databases, in order of preference, for what `make` makes of them. When
 * that fails they are closed again.
 */
export async function withPlaces<T>(
  { databases }: ValidatedOptions,
  make: (places: readonly Place[]) => T | Promise<T>,
): Promise<T> {
  const byWeight = [...databases].sort((a, b) => b.weight - a.weight);
  const places: Place[] = [];
  try {
    for (const database of byWeight) places.push(await Place.create(database));
    return await make(places);
  } catch (error) {
    await Promise.all(places.map((place) => place.close()));
    throw error;
  }
}

/** Records which database has which fault, and since when. */
export class Outages {
  readonly ended: Outage[] = [];
  readonly #open = new Map<string, Omit<Outage, 'to'>>();

  constructor(private readonly now: () => number) {}

  begin(kind: OutageKind, ...ids: readonly string[]): void {
    for (const id of ids) this.#open.set(id, { id, kind, from: this.now() });
  }

  end(...ids: readonly string[]): void {
    for (const id of ids) {
      const outage = this.#open.get(id);
      if (outage !== undefined) this.ended.push({ ...outage, to: this.now() });
      this.#open.delete(id);
    }
  }

  stateOf(id: string): OutageKind | 'up' {
    return this.#open.get(id)?.kind ?? 'up';
  }
}
