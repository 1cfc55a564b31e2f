/** The reads of a second client, which has hedging and detects failures as by default. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb';
import { Pace } from '../src/drill/load/pace.js';
import { percentile } from '../src/drill/load/series.js';
import { counted, duration } from '../src/drill/report/format.js';
import type { PromiseVerdict } from '../src/drill/report/model.js';
import { type Servers, WHERE_KEY } from './servers.js';

/** A read without a reply by then is sent to the best standby as well. */
export const HEDGE_AFTER_MS = 50;

/** The active database of the second client, which is the last choice of the first one. */
export const HEDGED_ID = 'south';

export const FROZEN_MS = 1000;

/**
 * Longer than the latency of other reads, so that a read of each caller is in flight when the
 * database freezes, and another one begins soon after it.
 */
const RATE = { callers: 100, ratePerSecond: 500 };

/** How often `HEDGE_AFTER_MS` and a round trip fit into the slowest permitted read. */
const ROOM = 4;

/** What one read of the frozen second took, and which database answered it. */
interface Read {
  readonly latencyMs: number;
  readonly from: string;
}

/** What is judged. */
export interface HedgedEvidence {
  /** Latencies in milliseconds before the database froze, of any order. */
  readonly before: readonly number[];
  /** Reads that were pending while it was frozen. */
  readonly frozen: readonly Read[];
  readonly errors: readonly string[];
  /** Switches after the first one. */
  readonly switches: readonly string[];
}

/**
 * Reads steadily from the beginning of the run, because hedges may be a share of the reads of the
 * last minute, until the frozen second is over.
 */
export class HedgedReads implements HedgedEvidence {
  readonly before: number[] = [];
  readonly frozen: Read[] = [];
  readonly errors: string[] = [];
  readonly switches: string[] = [];
  readonly #client: MultiDbClient;
  readonly #pace: Pace;
  readonly #pending = new Set<Promise<void>>();
  #hedged: (at: number) => void = () => {};
  #isFrozen = false;
  #wasFrozen = false;

  constructor(
    private readonly servers: Servers,
    private readonly now: () => number,
  ) {
    const ids = [HEDGED_ID, ...servers.ids.filter((id) => id !== HEDGED_ID).reverse()];
    this.#client = createMultiDbClient({
      hedging: { afterMs: HEDGE_AFTER_MS },
      databases: ids.map((id, index) => ({
        id,
        weight: ids.length - index,
        client: { url: servers.get(id).url },
      })),
    });
    this.#client.on('error', () => {});
    this.#client.on('switch', ({ from, to, reason }) => {
      if (from !== undefined) this.switches.push(`${from} → ${to ?? 'no database'}: ${reason}`);
    });
    this.#pace = new Pace(now, RATE, () => this.#read());
  }

  async start(): Promise<void> {
    await this.#client.connect();
    this.#pace.start();
  }

  /** The moment of the next reply from a standby. */
  get nextHedged(): Promise<number> {
    return new Promise((resolve) => {
      this.#hedged = resolve;
    });
  }

  /** Freezes the active database for one second. */
  async freeze(): Promise<void> {
    const { servers } = this;
    this.#isFrozen = true;
    this.#wasFrozen = true;
    await servers.freeze(HEDGED_ID);
    await sleep(FROZEN_MS);
    this.#isFrozen = false;
    await servers.thaw(HEDGED_ID);
  }

  /** Ends the reads and the client; resolves when every read has settled. */
  async stop(): Promise<void> {
    if (!this.#client.isOpen) return;
    this.#pace.stop();
    await Promise.all(this.#pending);
    await this.#client.close();
  }

  #read(): Promise<void> {
    const read = this.#measured();
    this.#pending.add(read);
    return read.finally(() => this.#pending.delete(read));
  }

  async #measured(): Promise<void> {
    const began = this.now();
    const before = !this.#wasFrozen;
    const during = this.#isFrozen;
    try {
      const from = String(await this.#client.get(WHERE_KEY));
      const latencyMs = this.now() - began;
      // A read that was in flight when the database froze belongs to the frozen second.
      if (during || (before && this.#wasFrozen)) this.frozen.push({ latencyMs, from });
      else if (before) this.before.push(latencyMs);
      if (from !== HEDGED_ID) this.#hedged(this.now());
    } catch (error) {
      this.errors.push(String(error));
    }
  }
}

/** The verdict about hedged reads. */
export function judgeHedged({ before, frozen, errors, switches }: HedgedEvidence): PromiseVerdict {
  const latencies = frozen.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  const p999Ms = percentile(latencies, 0.999);
  const roundTripMs =
    percentile(
      [...before].sort((a, b) => a - b),
      0.999,
    ) ?? 0;
  const limitMs = ROOM * (HEDGE_AFTER_MS + roundTripMs);
  const hedged = frozen.filter(({ from }) => from !== HEDGED_ID).length;
  const violations = switches.map((text) => `a switch ${text}`);
  if (errors.length > 0) violations.push(`${counted(errors.length, 'read')} failed: ${errors[0]}`);
  if (p999Ms === undefined) violations.push('no read was pending in the frozen second');
  else if (p999Ms > limitMs) {
    violations.push(`p99.9 of the reads is ${duration(p999Ms)}, above ${duration(limitMs)}`);
  }
  if (hedged === 0) violations.push('no standby answered a read');
  return {
    promise: 'Hedged reads stay fast through a frozen second, without a failover',
    evidence: `${counted(frozen.length, 'read')} in it, ${hedged} answered by a standby, p99.9 ${duration(p999Ms)}`,
    violations,
  };
}
