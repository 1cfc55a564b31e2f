/** Ends an application the way an orchestrator does. */
import type { AppProcess, Stopped } from './child.js';
import type { AppRun } from './run.js';

export interface End {
  /** Undefined if the process had ended by itself before. */
  readonly stopped: Stopped | undefined;
  /**
   * Number of requests in progress when the application was told to end. `cut` describes those that
   * were not answered.
   */
  readonly underWay: number;
  readonly cut: readonly string[];
}

/** A request that begins at the moment of SIGTERM may find no listener. */
const CROSSING_MS = 50;

/**
 * Ends the application while all databases are healthy: no new requests, SIGTERM, and time to
 * finish.
 */
export async function endInOrder(run: AppRun, child: AppProcess, withinMs: number): Promise<End> {
  const { now, places, outages, requests, watch } = run;
  await watch.look();
  watch.stop();
  const hadEnded = child.ending !== undefined;
  await Promise.all(places.map(({ proxy }) => proxy.restore().catch(() => {})));
  outages.end(...places.map(({ id }) => id));
  const toldAt = now();
  const cut: string[] = [];
  requests.onEnding = ({ beganAt, status }) => {
    if (beganAt < toldAt - CROSSING_MS) cut.push(`a request in flight ended with ${status}`);
  };
  const underWay = requests.pending.size;
  requests.stop();
  const stopped = await child.stop(withinMs);
  requests.close();
  return { stopped: hadEnded ? undefined : stopped, underWay, cut };
}
