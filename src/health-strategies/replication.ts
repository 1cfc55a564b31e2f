import { ownError } from '../foreign/own-error.js';
import { duration, oneOf, type Rule } from '../validation/rules.js';
import { Canary, type CanaryEndpoint } from './canary.js';
import type { HealthCheckRole, HealthCheckStrategy, Probe } from './strategy.js';
import { StrategyOptions } from './strategy-options.js';

/** Options of `ReplicationStrategy`. */
export interface ReplicationStrategyOptions {
  /**
   * How long a canary may take from one database to another, 1 to 2^31-1 ms. The `timeoutMs` of the
   * check must be more than twice as long. Default: 400.
   */
  readonly toleranceMs?: number;
  /**
   * `in`: messages of the others must arrive here. `out`: messages from here must arrive there. For
   * plain replicas, which replicate in one direction. Default: `both`.
   */
  readonly direction?: 'both' | 'in' | 'out';
  /** Ids of the databases to compare with. Default: all others of the group. */
  readonly peers?: readonly string[];
  /** Prefix of the channels, for ACLs. Default: `__redis-multidb:canary:`. */
  readonly channelPrefix?: string;
  /** `full` also makes the client leave the active database. Default: `gate`. */
  readonly role?: HealthCheckRole;
}

const ids: Rule<readonly string[]> = {
  range: 'a non-empty array of ids of databases',
  accepts: (value): value is readonly string[] =>
    Array.isArray(value) && value.length > 0 && value.every((id) => typeof id === 'string'),
};
const prefix: Rule<string> = {
  range: 'a string',
  accepts: (value): value is string => typeof value === 'string',
};

/**
 * Passes when a message that is published on one database arrives on the others in time. It notices
 * broken replication, which PING does not. A gate by default, so that a standby without the writes
 * of the others does not become active by failback.
 *
 * A peer that cannot be reached is ignored: its own checks report that, and a region that is down
 * must not close the gates of those that take over. On a cluster each shard gets a canary.
 */
export class ReplicationStrategy implements HealthCheckStrategy {
  readonly name = 'REPLICATION';
  /**
   * `gate` by default: broken replication keeps a standby from becoming active and does not evict
   * the active database.
   */
  readonly role: HealthCheckRole;
  readonly #toleranceMs: number;
  readonly #direction: 'both' | 'in' | 'out';
  readonly #peers: readonly string[] | undefined;
  readonly #channelPrefix: string;

  /** Throws `InvalidOptionError`. */
  constructor(options?: ReplicationStrategyOptions) {
    const values = new StrategyOptions(options, 'ReplicationStrategy', [
      'toleranceMs',
      'direction',
      'peers',
      'channelPrefix',
      'role',
    ]);
    this.#toleranceMs = values.read('toleranceMs', duration, 400);
    this.#direction = values.read('direction', oneOf(['both', 'in', 'out']), 'both');
    const peers = values.read('peers', ids, undefined);
    this.#peers = peers === undefined ? undefined : [...peers];
    this.#channelPrefix = values.read('channelPrefix', prefix, '__redis-multidb:canary:');
    this.role = values.read('role', oneOf(['gate', 'full']), 'gate');
  }

  /**
   * Resolves to true when what is published at one database arrives at the other within
   * `toleranceMs`.
   */
  async check(probe: Probe): Promise<boolean> {
    const peers = probe.peers.filter(({ databaseId }) => {
      return this.#peers === undefined || this.#peers.includes(databaseId);
    });
    if (peers.length === 0) {
      throw ownError(`there is no other database${this.#peers ? ' of those in peers' : ''}`);
    }
    const canary = new Canary(probe, this.#toleranceMs, this.#channelPrefix);
    const [here, ...there] = await Promise.all([
      canary.open(probe, this.#hasIn),
      ...peers.map((peer) => canary.openIfReachable(peer, this.#hasOut)),
    ]);
    if (this.#hasOut) await canary.publish(here);
    const compared = await Promise.all(
      there.map((peer) => (peer === undefined ? undefined : this.#compare(canary, here, peer))),
    );
    const problems = compared.filter((problem) => problem !== undefined);
    if (problems.length === 0) return true;
    throw ownError(`${problems.join('; ')}; waited ${this.#toleranceMs} ms`);
  }

  /** Description of the broken direction between two databases. */
  async #compare(
    canary: Canary,
    here: CanaryEndpoint,
    peer: CanaryEndpoint,
  ): Promise<string | undefined> {
    const [arrivesHere, arrivesThere] = await Promise.all([
      this.#hasIn && (await canary.publishIfReachable(peer)) ? canary.arrives(peer, here) : true,
      this.#hasOut ? canary.arrives(here, peer) : true,
    ]);
    if (arrivesHere && arrivesThere) return undefined;
    const inward = `${peer.target.databaseId} -> ${here.target.databaseId}`;
    const outward = `${here.target.databaseId} -> ${peer.target.databaseId}`;
    if (!arrivesHere && !arrivesThere) return `no canary arrived ${inward} nor ${outward}`;
    const [lost, well] = arrivesHere ? [outward, inward] : [inward, outward];
    const oneWay = this.#direction === 'both' ? `, while ${well} works (a one-way break)` : '';
    return `no canary arrived ${lost}${oneWay}`;
  }

  get #hasIn(): boolean {
    return this.#direction !== 'out';
  }

  get #hasOut(): boolean {
    return this.#direction !== 'in';
  }
}
