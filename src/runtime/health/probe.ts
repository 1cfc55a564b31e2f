import { setMaxListeners } from 'node:events';
import type { Clock, Timer } from '../../clock.js';
import { foreignError, foreignReason } from '../../foreign/foreign-error.js';
import { ownError } from '../../foreign/own-error.js';
import type { HealthCheckStrategy, Probe } from '../../health-strategies/strategy.js';
import type { LoopClock } from '../../loop-clock.js';
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

/** Share of the timeout after which an unanswered command goes over a new connection as well. */
const NEW_CONNECTION_AFTER = 0.25;

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

  const endTimers = () => {
    timer.cancel();
    hedge.cancel();
  };
  const settle = (healthy: boolean, cause?: string, error?: unknown, timedOut = false) => {
    if (settled) return;
    settled = true;
    endTimers();
    abort.abort(ownError('the probe has ended'));
    clock.afterTurn(() => lines.commands.endDoubt());
    const latencyMs = clock.now() - startedAt;
    const kept = error === undefined ? undefined : foreignError(error);
    onResult({ healthy, cause, error: kept, timedOut, latencyMs });
  };

  const timer = loop.after(timeoutMs, () => {
    refusal ??= lines.commands.refusal;
    // A connection that did not answer is of no use to the next probe.
    const why = lines.commands.cutBy ?? lines.database.mistake;
    lines.commands.renew();
    const error = refusal ?? noAnswer(timeoutMs, why);
    settle(false, describe(error), error, refusal === undefined);
  });
  // Silence may be that of an old connection alone: a new one gets most of the time.
  const hedge = loop.after(timeoutMs * NEW_CONNECTION_AFTER, () => {
    if (lines.commands.isWaiting) lines.commands.doubt(startedAt);
  });
  /** By an old connection, before a new one was asked. */
  let refusal: unknown;

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
    if (healthy !== true)
      throw ownError(`${setting.strategy.name ?? 'the check'} did not answer true`);
    if (setting.stateCheck !== undefined) await setting.stateCheck(probe);
  };
  const { refusals } = lines.commands;
  run()
    .catch((error) => {
      // An error reply may be that of a server to which the database's name no longer leads.
      const wasRefused = lines.commands.refusals > refusals && !settled;
      if (!wasRefused || !lines.commands.doubt(startedAt)) throw error;
      refusal = error;
      return run();
    })
    .then(
      () => settle(true),
      (error) => settle(false, describe(error), error),
    );

  return () => {
    if (settled) return;
    settled = true;
    endTimers();
    abort.abort(ownError('the probe was cancelled'));
  };
}

function noAnswer(timeoutMs: number, cause: unknown): Error {
  const text = `no answer within ${timeoutMs} ms`;
  return cause === undefined
    ? ownError(text)
    : ownError(`${text}: ${foreignReason(cause)}`, { cause: foreignError(cause) });
}

function describe(error: unknown): string {
  const reason = foreignReason(error);
  return error instanceof Error ? reason : `the check threw ${reason.slice(0, 100)}`;
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
