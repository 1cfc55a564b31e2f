import { randomBytes } from 'node:crypto';
import { ownError } from '../foreign/own-error.js';
import { duration, type Rule } from '../validation/rules.js';
import type { HealthCheckStrategy, Probe } from './strategy.js';
import { StrategyOptions } from './strategy-options.js';

/** Options of `WriteReadStrategy`. */
export interface WriteReadStrategyOptions {
  /** Prefix of the keys, for ACLs. Default: `__redis-multidb:write-read:`. */
  readonly keyPrefix?: string;
  /** Time after which a key that is no longer written expires, 1 to 2^31-1 ms. Default: 60000. */
  readonly expiryMs?: number;
}

const prefix: Rule<string> = {
  range: 'a string',
  accepts: (value): value is string => typeof value === 'string',
};

/**
 * Passes when a random value that was written can be read back. It notices servers that answer PING
 * but refuse writes (a read-only replica, full memory, a failed snapshot, missing replicas).
 *
 * Each strategy object has one key per database, or one per master of a cluster. The key contains a
 * random part, because replicating databases share their keys with all processes.
 */
export class WriteReadStrategy implements HealthCheckStrategy {
  readonly name = 'WRITE-READ';
  readonly #keyPrefix: string;
  readonly #expiry: string;
  readonly #unique = randomBytes(8).toString('hex');

  /** Throws `InvalidOptionError`. */
  constructor(options?: WriteReadStrategyOptions) {
    const values = new StrategyOptions(options, 'WriteReadStrategy', ['keyPrefix', 'expiryMs']);
    this.#keyPrefix = values.read('keyPrefix', prefix, '__redis-multidb:write-read:');
    this.#expiry = String(Math.ceil(values.read('expiryMs', duration, 60_000)));
  }

  /** Resolves to true when a key that was written is read again. */
  async check(probe: Probe): Promise<boolean> {
    const key = `${this.#keyPrefix}${this.#unique}:${probe.databaseId}`;
    const keys = probe.shardTags?.map((tag) => `${key}:{${tag}}`) ?? [key];
    await Promise.all(keys.map((each) => this.#writeAndRead(probe, each)));
    return true;
  }

  async #writeAndRead(probe: Probe, key: string): Promise<void> {
    const written = randomBytes(12).toString('hex');
    await probe.sendCommand(['SET', key, written, 'PX', this.#expiry]);
    const read = await probe.sendCommand(['GET', key]);
    if (read === null) throw ownError('a value that was just written is missing');
    if (String(read) !== written) throw ownError('a value that was just written has changed');
  }
}
