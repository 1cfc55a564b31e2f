/**
 * Watches which database the application uses without its status: the one whose proxy carries most
 * of the replies.
 */
import type { Timer } from '../../clock.js';
import { every, waitFor } from '../../test-bed/wire/wait.js';
import type { Recorder } from '../load/recorder.js';
import type { Place } from '../rehearsal/places.js';
import type { Watch } from './watch.js';

const LOOK_MS = 100;
/** Shortest duration of a state in milliseconds, so that its traffic can be recognised. */
export const LEAST_HOLD_MS = 1000;
/** Smallest number of reply bytes between two checks that is significant. */
const LEAST_BYTES = 40;

export class TrafficWatch implements Watch {
  active: string | undefined;
  #isStopped = false;
  #timer: Timer | undefined;
  #before = new Map<string, number>();
  #seen: { readonly to: string; readonly at: number } | undefined;

  constructor(
    private readonly places: readonly Place[],
    private readonly recorder: Recorder,
    /** How long an application takes to notice that a database is healthy, in milliseconds. */
    private readonly recoveryMs: number,
  ) {}

  start(): void {
    this.#count();
    this.#timer = every(LOOK_MS, () => this.#tick());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async look(): Promise<void> {}

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

  #tick(): void {
    const bytes = this.#count();
    // Counts replies, because commands are sent to a silent server as well. Replies to probes are
    // few.
    const [most, next] = [...bytes].sort((a, b) => b[1] - a[1]);
    if (most === undefined || most[1] < 3 * (next?.[1] ?? 0) || most[1] < LEAST_BYTES) return;
    const [to] = most;
    // A single observation may only show new connections.
    const first = this.#seen?.to === to ? this.#seen : undefined;
    this.#seen = first ?? { to, at: this.recorder.now() };
    if (to === this.active || first === undefined) return;
    this.recorder.onSwitch({
      at: first.at,
      from: this.active,
      to,
      reason: this.active === undefined ? 'initial' : 'seen',
      cause: 'source of the replies; --status would add the cause',
      durationMs: 0,
    });
    this.active = to;
  }

  /** Reply bytes of each database since the last check. */
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

function replies({ proxy }: Place): number {
  return proxy.bytes.toClient.delivered;
}
