/** Watches which database the application uses by its HTTP handler. */
import { systemClock, type Timer } from '../../clock.js';
import type { Status } from '../../http/status.js';
import { every, waitFor } from '../../test-bed/wire/wait.js';
import type { Recorder } from '../load/recorder.js';
import type { Watch } from './watch.js';

const LOOK_MS = 100;

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

  start(): void {
    this.#timer = every(LOOK_MS, () => void this.look());
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
      // The application may be busy, or have ended, which is reported elsewhere.
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
        // The time is truncated to milliseconds, and must not be before the fault that caused it.
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
