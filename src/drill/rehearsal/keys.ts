/** The keys of a drill: all under one prefix, all with an expiry, and none left at the end. */
import type { Timer } from '../../clock.js';
import { every, sleep } from '../../test-bed/wire/wait.js';
import { type Audit, compare } from '../load/audit.js';
import { keyOf } from '../load/commands.js';
import { entryKey, type Ledger, type TOKEN_COMMANDS } from '../load/ledger.js';
import { counted } from '../report/format.js';
import type { Place } from './places.js';

/** How long the keys of a killed drill remain, in seconds. */
export const EXPIRY_SECONDS = 3600;
const EXPIRE_EVERY_MS = 5000;
const AT_ONCE = 200;
/**
 * Time in milliseconds in which a write that was on its way when its connection ended may still be
 * executed.
 */
const LATE_WRITES_MS = 300;

export class DrillKeys {
  #timer: Timer | undefined;

  constructor(
    private readonly places: readonly Place[],
    private readonly ledger: Ledger,
    readonly prefix: string,
    private readonly callers: number,
    /**
     * Ids of the databases in groups that replicate to each other; each database is in one group.
     */
    private readonly groups: readonly (readonly string[])[],
  ) {}

  /** Gives growing keys an expiry soon after they are created. */
  start(): void {
    this.#timer = every(EXPIRE_EVERY_MS, () => void this.#expire());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Compares the data in the databases with the outcomes that callers got. */
  async audit(): Promise<Audit> {
    const tokens = new Map<string, string[]>();
    const counters = new Map<string, number>();
    for (const group of this.groups) {
      // Databases that replicate to each other hold the same execution: the one that shows most of
      // them counts.
      const groupTokens = new Map<string, string[]>();
      const groupCounters = new Map<string, number>();
      for (const id of group) {
        const held = await this.#read(this.places.find((place) => place.id === id) as Place);
        for (const [at, times] of held.tokens) {
          const most = groupTokens.get(at)?.length ?? 0;
          if (times > most) groupTokens.set(at, new Array<string>(times).fill(id));
        }
        for (const [key, value] of held.counters) {
          groupCounters.set(key, Math.max(groupCounters.get(key) ?? 0, value));
        }
      }
      for (const [at, ids] of groupTokens) tokens.set(at, [...(tokens.get(at) ?? []), ...ids]);
      for (const [key, value] of groupCounters) counters.set(key, (counters.get(key) ?? 0) + value);
    }
    return compare(this.ledger, tokens, counters);
  }

  /**
   * Deletes every key of the drill. Resolves to descriptions of the keys that could not be deleted.
   */
  async clean(): Promise<string[]> {
    this.stop();
    await sleep(LATE_WRITES_MS);
    const keys = [...this.#growing(), ...this.#single()];
    // Runs twice: a key that one database deletes may have been on its way to another.
    for (let round = 0; round < 2; round++) {
      await Promise.all(this.places.map((place) => this.#delete(place, keys)));
    }
    const left = await Promise.all(this.places.map((place) => this.#count(place, keys)));
    return left.flatMap((count, index) => {
      if (count === 0) return [];
      const { id } = this.places[index] as Place;
      const what =
        count === undefined
          ? `the keys on ${id} can't be deleted`
          : `${counted(count, 'key')} left on ${id}`;
      return [`${what}; they begin with ${this.prefix} and expire within an hour`];
    });
  }

  async #read(place: Place) {
    const tokens = new Map<string, number>();
    const counters = new Map<string, number>();
    const found = (command: (typeof TOKEN_COMMANDS)[number], token: string) => {
      const at = entryKey(command, token);
      tokens.set(at, (tokens.get(at) ?? 0) + 1);
    };
    const sets = this.#single();
    await batched(sets, async (key) => {
      const value = await place.command('GET', key);
      if (value !== null) found('SET', String(value));
    });
    for (let caller = 0; caller < this.callers; caller++) {
      const at = (command: string) => keyOf(this.prefix, command, caller);
      for (const token of list(await place.command('HKEYS', at('HSET'))))
        found('HSET', String(token));
      for (const token of list(await place.command('LRANGE', at('LPUSH'), '0', '-1'))) {
        found('LPUSH', String(token));
      }
      for (const message of list(await place.command('XRANGE', at('XADD'), '-', '+'))) {
        found('XADD', String(list(list(message)[1])[1]));
      }
      const value = await place.command('GET', at('INCR'));
      if (value !== null) counters.set(at('INCR'), Number(value));
    }
    return { tokens, counters };
  }

  async #expire(): Promise<void> {
    await Promise.all(
      this.places.map((place) =>
        batched(this.#growing(), (key) =>
          place.command('EXPIRE', key, String(EXPIRY_SECONDS)),
        ).catch(() => {}),
      ),
    );
  }

  async #delete(place: Place, keys: readonly string[]): Promise<void> {
    // A read-only replica gets the deletion from its master.
    await batched(keys, (key) => place.command('DEL', key)).catch(() => {});
  }

  async #count(place: Place, keys: readonly string[]): Promise<number | undefined> {
    let count = 0;
    try {
      await batched(keys, async (key) => {
        count += Number(await place.command('EXISTS', key));
      });
      return count;
    } catch {
      return undefined;
    }
  }

  #growing(): string[] {
    return Array.from({ length: this.callers }, (_, caller) =>
      ['HSET', 'LPUSH', 'XADD', 'INCR'].map((command) => keyOf(this.prefix, command, caller)),
    ).flat();
  }

  #single(): string[] {
    return [...this.ledger.entries.values()]
      .filter(({ command }) => command === 'SET')
      .map(({ token }) => `${keyOf(this.prefix, 'SET', Number(token.split('-')[0]))}:${token}`);
  }
}

/** Runs so many at once that the round trip is negligible, and no more. */
async function batched<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += AT_ONCE) {
    await Promise.all(items.slice(from, from + AT_ONCE).map(act));
  }
}

function list(reply: unknown): unknown[] {
  if (Array.isArray(reply)) return reply;
  throw new Error(`Expected an array, received ${typeof reply}`);
}
