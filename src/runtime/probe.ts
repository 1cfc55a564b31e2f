import { setMaxListeners } from 'node:events';
import type { Clock, Timer } from '../clock.js';
import type { HealthCheckStrategy, Probe } from '../health/strategy.js';
import type { LoopClock } from './loop-clock.js';
import { orAborted, type ProbeLines, probeTarget } from './probe-target.js';

export interface ProbeResult {
  readonly healthy: boolean;
  /** Why not, in words. */
  readonly cause: string | undefined;
  readonly error: unknown;
  /** Ended by `timeoutMs`. */
  readonly timedOut?: boolean;
  readonly latencyMs: number;
}

export interface ProbeSetting {
  readonly strategy: HealthCheckStrategy;
  readonly timeoutMs: number;
  /** Runs after the strategy passed, inside the same timeout. */
  readonly stateCheck?: HealthCheckStrategy['check'] | undefined;
  readonly lines: ProbeLines;
  /** Those of the other databases of the group. */
  readonly peers: readonly ProbeLines[];
  readonly clock: Clock;
  readonly loop: LoopClock;
}

/**
 * Runs one probe and calls back exactly once, unless the returned function cancels it first. A
 * strategy that throws, never settles or answers something else than `true` is an unhealthy
 * probe; what it does after the verdict changes nothing.
 */
export function runProbe(
  setting: ProbeSetting,
  onResult: (result: ProbeResult) => void,
): () => void {
  const { clock, loop, lines, timeoutMs } = setting;
  const abort = new AbortController();
  // Everything that a strategy asks for at once listens to it.
  setMaxListeners(0, abort.signal);
  const startedAt = clock.now();
  let settled = false;

  const settle = (healthy: boolean, cause?: string, error?: unknown, timedOut = false) => {
    if (settled) return;
    settled = true;
    timer.cancel();
    abort.abort(new Error('the probe has ended'));
    onResult({ healthy, cause, error, timedOut, latencyMs: clock.now() - startedAt });
  };

  const timer = loop.after(timeoutMs, () => {
    const error = new Error(`no answer within ${timeoutMs} ms`);
    // A connection that did not answer is of no use to the next probe.
    lines.commands.renew();
    settle(false, error.message, error, true);
  });

  const target = probeTarget(lines, abort.signal);
  const probe: Probe = Object.defineProperties({} as Probe, {
    ...Object.getOwnPropertyDescriptors(target),
    signal: { value: abort.signal },
    peers: { get: () => setting.peers.map((peer) => probeTarget(peer, abort.signal)) },
    wait: { value: (ms: number) => wait(loop, ms, abort.signal) },
  });
  const run = async () => {
    const { driver } = lines.database;
    // A strategy may ask for them at once; the probe connection finds them out.
    if ('shardTags' in driver && driver.shardTags === undefined) {
      await orAborted(
        lines.commands.use(abort.signal, async () => {}),
        abort.signal,
      );
    }
    const healthy = await setting.strategy.check(probe);
    if (healthy !== true) return `${setting.strategy.name ?? 'the check'} did not answer true`;
    if (setting.stateCheck !== undefined) await setting.stateCheck(probe);
    return undefined;
  };
  run().then(
    (cause) => settle(cause === undefined, cause),
    (error) => settle(false, describe(error), error),
  );

  return () => {
    if (settled) return;
    settled = true;
    timer.cancel();
    abort.abort(new Error('the probe was cancelled'));
  };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `the check threw ${String(error).slice(0, 100)}`;
  // A refused connection to a name with several addresses is an AggregateError without a message.
  const first = error instanceof AggregateError ? error.errors[0] : undefined;
  return error.message || (first instanceof Error ? first.message : error.name);
}

function wait(loop: LoopClock, ms: number, signal: AbortSignal): Promise<void> {
  let timer: Timer | undefined;
  const waiting = new Promise<void>((resolve) => {
    timer = loop.after(ms, resolve);
  });
  const waited = orAborted(waiting, signal).finally(() => timer?.cancel());
  // A strategy that does not await it must not end the process.
  waited.catch(() => {});
  return waited;
}
