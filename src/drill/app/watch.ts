/** Which database the application uses: what its status says, or else where its traffic goes. */
import { systemClock, type Timer } from '../../clock.js';
import type { Status } from '../../http/status.js';
import type { Recorder } from '../load/recorder.js';
import type { Place } from '../rehearsal/places.js';
import { every, waitFor } from '../wire/wait.js';

export interface Watch {
  readonly active: string | undefined;
  start(): void;
  stop(): void;
  /** Looks at once. Never rejects. */
  look(): Promise<void>;
  /** Resolves when the application can use these databases again. Rejects when it does not get there. */
  recovered(ids: readonly string[], timeoutMs: number): Promise<void>;
}

const STATUS_MS = 100;

/** Through the application's HTTP handler. */
export class StatusWatch implements Watch {
  active: string | undefined;
  #isStopped = false;
  #timer: Timer | undefined;
  #last: Status | undefined;
  #looking: Promise<void> | undefined;
  #generation = 0;

  constructor(
    private readonly ask: () => Promise<Status>,
    private readonly recorder: Recorder,
  ) {}

  /** The last one that came. */
  get status(): Status | undefined {
    return this.#last;
  }

  start(): void {
    this.#timer = every(STATUS_MS, () => void this.look());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async recovered(ids: readonly string[], timeoutMs: number): Promise<void> {
    const isWell = async () => {
      if (this.#isStopped) return true;
      await this.look();
      return ids.every((id) => {
        const database = this.#last?.databases.find((each) => each.id === id);
        return database?.health === 'healthy' && database.connected;
      });
    };
    const what = `the application's status to call ${ids.join(' and ')} healthy and connected`;
    await waitFor(isWell, { what, timeoutMs, intervalMs: 50 });
  }

  async #look(): Promise<void> {
    let status: Status;
    try {
      status = await this.ask();
    } catch {
      // It may be busy, or have ended, which shows elsewhere.
      return;
    }
    this.#last = status;
    const now = this.recorder.now();
    const wallTime = systemClock.wallTime();
    this.active = status.activeDatabase ?? undefined;
    for (const one of status.switches) {
      if (one.generation <= this.#generation) continue;
      this.#generation = one.generation;
      this.recorder.onSwitch({
        // Its time is cut to milliseconds, and must not lie before the fault that caused it.
        at: Math.max(0, Math.min(now, now - wallTime + Date.parse(one.at) + 1)),
        from: one.from ?? undefined,
        to: one.to ?? undefined,
        reason: one.reason,
        cause: one.cause,
        durationMs: one.durationMs,
      });
    }
  }
}

const TRAFFIC_MS = 100;
/** A state has to last for so long, that its traffic can be told apart. */
export const LEAST_HOLD_MS = 1000;

/** Without a status: the database whose proxy carries most of the bytes. */
export class TrafficWatch implements Watch {
  active: string | undefined;
  #isStopped = false;
  #timer: Timer | undefined;
  #before = new Map<string, number>();
  #seen: { readonly to: string; readonly at: number } | undefined;

  constructor(
    private readonly places: readonly Place[],
    private readonly recorder: Recorder,
    /** How long an application takes to find out that a database is well. */
    private readonly recoveryMs: number,
  ) {}

  start(): void {
    this.#count();
    this.#timer = every(TRAFFIC_MS, () => this.#tick());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async look(): Promise<void> {}

  #tick(): void {
    const bytes = this.#count();
    // Replies, as a silent server is sent commands as well. Those of probes are few.
    const [most, next] = [...bytes].sort((a, b) => b[1] - a[1]);
    if (most === undefined || most[1] < 3 * (next?.[1] ?? 0) || most[1] < LEAST_BYTES) return;
    const [to] = most;
    // Once may be the beginning of connections.
    const first = this.#seen?.to === to ? this.#seen : undefined;
    this.#seen = first ?? { to, at: this.recorder.now() };
    if (to === this.active || first === undefined) return;
    this.recorder.onSwitch({
      ...{ at: first.at, from: this.active, to },
      reason: this.active === undefined ? 'initial' : 'seen',
      ...{ cause: 'where the replies came from; a status would tell the cause', durationMs: 0 },
    });
    this.active = to;
  }

  async recovered(ids: readonly string[], timeoutMs: number): Promise<void> {
    const places = this.places.filter(({ id }) => ids.includes(id));
    const before = new Map(places.map((place) => [place, replies(place)]));
    const beganAt = this.recorder.now();
    const isWell = () =>
      this.#isStopped ||
      (this.recorder.now() - beganAt >= this.recoveryMs &&
        places.every((place) => replies(place) > (before.get(place) ?? 0)));
    const what = `the application to connect to ${ids.join(' and ')} again`;
    await waitFor(isWell, { what, timeoutMs: timeoutMs + this.recoveryMs, intervalMs: 50 });
  }

  /** Replies of each since the last time, in bytes. */
  #count(): Map<string, number> {
    const grown = new Map<string, number>();
    for (const place of this.places) {
      const now = replies(place);
      grown.set(place.id, now - (this.#before.get(place.id) ?? 0));
      this.#before.set(place.id, now);
    }
    return grown;
  }
}

const LEAST_BYTES = 40;

function replies({ proxy }: Place): number {
  return proxy.bytes.toClient.delivered;
}
