import { setMaxListeners } from 'node:events';
import type { Clock } from '../../clock.js';
import { NEW_CONNECTION_AFTER } from '../../core/response-times.js';
import { foreignError, foreignReason } from '../../foreign/foreign-error.js';
import { ownError } from '../../foreign/own-error.js';
import type { HealthCheckStrategy, Probe } from '../../health-strategies/strategy.js';
import { isError } from '../../is-error.js';
import type { LoopClock } from '../../loop-clock.js';
import { stopwatch, wait } from './loop-waits.js';
import { orAborted } from './or-aborted.js';
import { type ProbeLines, probeTarget } from './probe-target.js';
import { isReadOnlyReply } from './read-only-reply.js';

/** What the checks of a database say together. */
export interface Verdict {
  readonly healthy: boolean;
  readonly cause: string | undefined;
  readonly error: unknown;
}

export interface ProbeResult {
  readonly healthy: boolean;
  /** Description of the failure. */
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
  /** Connections of the other databases of the group. */
  readonly peers: readonly ProbeLines[];
  /** A replica is healthy: it serves reads. */
  readonly mayBeReadOnly?: boolean;
  readonly clock: Clock;
  readonly loop: LoopClock;
}

/**
 * Runs one probe and calls back exactly once, unless the returned function cancels it first. A
 * strategy that throws, never settles or resolves to anything but `true` is an unhealthy probe; its
 * actions after the verdict have no effect.
 */
export function runProbe(
  setting: ProbeSetting,
  onResult: (result: ProbeResult) => void,
): () => void {
  const { clock, loop, lines, timeoutMs } = setting;
  const abort = new AbortController();
  // Every command that a strategy sends at once listens to the signal.
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
    // A connection that did not answer is useless to the next probe.
    const why = lines.commands.cutBy ?? lines.database.mistake;
    lines.commands.renew();
    const error = refusal ?? noAnswer(timeoutMs, why);
    settle(false, describe(error), error, refusal === undefined);
  });
  // Only the old connection may be silent: a new one gets most of the time.
  const hedge = loop.after(timeoutMs * NEW_CONNECTION_AFTER, () => {
    if (lines.commands.isWaiting) lines.commands.doubt(startedAt);
  });
  /** The refusal of an old connection, before a new one was asked. */
  let refusal: unknown;

  const target = probeTarget(lines, abort.signal);
  const probe: Probe = Object.defineProperties({} as Probe, {
    ...Object.getOwnPropertyDescriptors(target),
    signal: { value: abort.signal },
    peers: { get: () => setting.peers.map((peer) => probeTarget(peer, abort.signal)) },
    wait: { value: (ms: number) => wait(loop, ms, abort.signal) },
    stopwatch: { value: () => stopwatch(clock, loop) },
  });
  const run = async () => {
    const { driver } = lines.database;
    // A strategy may read the shard tags at once; opening the probe connection discovers them.
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
      // The error reply may come from a server that the database's name no longer leads to.
      const wasRefused = lines.commands.refusals > refusals && !settled;
      if (!wasRefused || !lines.commands.doubt(startedAt)) throw error;
      refusal = error;
      return run();
    })
    .then(
      () => settle(true),
      (error) => {
        if (setting.mayBeReadOnly === true && isReadOnlyReply(error)) settle(true);
        else settle(false, describe(error), error);
      },
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
  return isError(error) ? reason : `the check threw ${reason.slice(0, 100)}`;
}
