import type { Clock, Timer } from '../clock.js';
import type { OperatedClient } from './client.js';
import { redact } from './redact.js';

const WINDOW_MS = 5 * 60_000;
const SAMPLE_EVERY_MS = 1000;
const MAX_POINTS = WINDOW_MS / SAMPLE_EVERY_MS;
const MAX_DATABASES = 64;

/** Wall-clock milliseconds and the latency in milliseconds; null: the probe failed. */
export type LatencyPoint = readonly [at: number, latencyMs: number | null];

/** What `GET /history` answers. */
export interface LatencyHistoryStatus {
  /** How far back the points reach, in milliseconds. */
  readonly windowMs: number;
  /** The points of each database, oldest first. */
  readonly databases: readonly { readonly id: string; readonly points: readonly LatencyPoint[] }[];
}

/**
 * The probes of the last five minutes, sampled once per second: bounded, and without a cost per
 * command.
 */
export class LatencyHistory {
  readonly #points = new Map<string, LatencyPoint[]>();
  #timer: Timer | undefined;

  constructor(
    private readonly client: OperatedClient,
    private readonly clock: Clock,
  ) {
    client.on('connect', this.#start);
    client.on('end', this.#pause);
    if (client.explain().state !== 'closed') this.#sample();
  }

  get status(): LatencyHistoryStatus {
    const oldest = this.clock.wallTime() - WINDOW_MS;
    const databases = [...this.#points].map(([id, points]) => {
      return { id: redact(id), points: points.filter(([at]) => at >= oldest) };
    });
    return { windowMs: WINDOW_MS, databases };
  }

  stop(): void {
    this.#pause();
    this.client.off('connect', this.#start);
    this.client.off('end', this.#pause);
  }

  readonly #start = (): void => {
    this.#pause();
    this.#sample();
  };

  /** A timer must not keep a closed client from being garbage-collected. */
  readonly #pause = (): void => {
    this.#timer?.cancel();
    this.#timer = undefined;
  };

  #sample(): void {
    const oldest = this.clock.wallTime() - WINDOW_MS;
    const { databases } = this.client;
    for (const { id, lastProbe } of databases.slice(0, MAX_DATABASES)) {
      const points = this.#points.get(id) ?? [];
      this.#points.set(id, points);
      const at = lastProbe?.at.getTime();
      if (lastProbe !== undefined && at !== undefined && points.at(-1)?.[0] !== at) {
        const { healthy, latencyMs } = lastProbe;
        points.push([at, healthy ? Math.round(latencyMs * 100) / 100 : null]);
      }
      const isOver = ([first]: LatencyPoint) => first < oldest || points.length > MAX_POINTS;
      while (points[0] !== undefined && isOver(points[0])) points.shift();
    }
    const ids = new Set(databases.map(({ id }) => id));
    for (const id of this.#points.keys()) if (!ids.has(id)) this.#points.delete(id);
    this.#timer = this.clock.after(SAMPLE_EVERY_MS, () => this.#sample());
  }
}
