/** The end of an application, as an orchestrator brings it about. */
import type { AppProcess, Stopped } from './child.js';
import type { AppRun } from './run.js';

export interface End {
  /** Undefined: it had ended by itself before. */
  readonly stopped: Stopped | undefined;
  /** Requests that were in progress when it was told to end, and what became of those that were not answered. */
  readonly underWay: number;
  readonly cut: readonly string[];
}

/** A request that begins in the moment of SIGTERM may find nobody any more. */
const CROSSING_MS = 50;

/** With databases that are all well: no new requests, SIGTERM, and patience. */
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
