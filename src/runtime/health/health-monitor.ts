import type { CommandArgument } from '../../core/command-argument.js';
import { ownError } from '../../foreign/own-error.js';
import { isNoSentinel } from '../../health-strategies/role-check.js';
import { stateCheckFor } from '../../health-strategies/state-check.js';
import type { HealthCheckFunction, ProbeTarget } from '../../health-strategies/strategy.js';
import type { ResolvedHealthCheck } from '../../options/types.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { ProbeRecord } from '../probe-record.js';
import { ComplaintProbe } from './complaint-probe.js';
import { HealthCheck, type HealthCheckListener, type Suspicion } from './health-check.js';
import { NameWatch } from './name-watch.js';
import type { ProbeResult } from './probe.js';
import { orAborted, type ProbeLines, probeTarget, restUnused } from './probe-target.js';
import { SharedProbeConnection } from './shared-probe-connection.js';

export interface Verdict {
  readonly healthy: boolean;
  readonly cause: string | undefined;
  readonly error: unknown;
}

export interface HealthMonitorListener {
  onProbe(database: Database, record: ProbeRecord): void;
  /** Called only with verdicts for the database's present incarnation. */
  onHealthVerdict(database: Database, verdict: Verdict): void;
  /** `cause`: why a failback to the database is not allowed; `undefined`: it is. */
  onGates(database: Database, cause: string | undefined): void;
  /** Probe connections led to another server, or to none, while new ones are healthy. */
  onOutdated(database: Database, why: Error): void;
  /**
   * A new connection does not confirm the complaint of a command: the connections for commands may
   * lead to another server.
   */
  onRefuted(database: Database, stateWord: string): void;
  /** A host name of the database leads to another address, where a new connection is healthy. */
  onMoved(database: Database, why: Error): void;
  /** Whether one healthy probe is a verdict: at start, and while no database serves. */
  oneProbeIsEnough(database: Database): boolean;
  /** Connections to the other databases of the group, for the checks of this one. */
  linesBeside(database: Database): readonly ProbeLines[];
}

export interface ProbeConnectionListener {
  /** A probe connection was established; the attempt began at `startedAt` (monotonic). */
  onReached(database: Database, startedAt: number): void;
}

interface Latest {
  readonly healthy: boolean;
  readonly cause: string | undefined;
  readonly incarnation: number;
}

/** Probe timeout in milliseconds where there is no check. */
export const DEFAULT_TIMEOUT_MS = 1000;

/**
 * The health of one database. It is healthy when the latest round of each full check was, and
 * unhealthy as soon as one was not. Its gates are open when the latest round of each gate check was
 * healthy.
 *
 * Full checks share one probe connection. Gates and the checks of other databases share another
 * one, so that their use of it can't make this database unhealthy.
 */
export class HealthMonitor implements HealthCheckListener {
  /** Connections of the full checks. */
  readonly lines: ProbeLines;
  /**
   * Connections of the gates and of the checks of other databases; opened for their first command.
   */
  readonly sideLines: ProbeLines;
  /** The full checks, which determine the health. */
  readonly #checks: HealthCheck[] = [];
  readonly #gates: HealthCheck[] = [];
  readonly #latest = new Map<HealthCheck, Latest>();
  /** Incarnation at each check's round start. */
  readonly #startedFor = new Map<HealthCheck, number>();
  readonly #probed = new Set<(check: HealthCheck, result: ProbeResult) => void>();
  /** State words that the database replied with, until all of them pass. */
  readonly #stateWords = new Set<string>();
  /** State words from commands that no probe has checked yet. */
  readonly #complaints = new Set<string>();
  /** Monotonic time of the first complaint by state word, until all checks pass. */
  readonly #complainedAt = new Map<string, number>();
  /** Whether the server may be a Sentinel; checked until all checks have passed once. */
  #maybeSentinel: boolean;
  readonly #names: NameWatch;
  /** Replaces the full checks where there are none. */
  readonly #complaintProbe: ComplaintProbe;

  constructor(
    readonly database: Database,
    private readonly listener: HealthMonitorListener,
    connections: ProbeConnectionListener,
    private readonly time: Pick<EngineContext, 'clock' | 'loop' | 'random' | 'options'>,
  ) {
    const { driver, healthChecks } = database;
    this.#maybeSentinel = driver.mayBeSentinel === true;
    const setting = {
      silentAfterMs: this.#timeoutOf(healthChecks),
      onOutdated: (why: Error) => listener.onOutdated(database, why),
      onOpened: (startedAt: number, loopMs: number) => {
        // Loop time is as coarse as its ticks.
        const longestMs = loopMs + 2 * time.loop.tickMs;
        database.responseTimes?.addOpening(Math.min(time.clock.now() - startedAt, longestMs));
        connections.onReached(database, startedAt);
      },
    };
    const newLine = () => new SharedProbeConnection(driver, time, setting);
    const newLines = () => ({ database, commands: newLine(), subscriptions: newLine() });
    this.lines = newLines();
    this.sideLines = newLines();
    const onMoved = (why: Error) => listener.onMoved(database, why);
    this.#names = new NameWatch(database, this, time, onMoved);
    this.#complaintProbe = new ComplaintProbe(this.lines, time, this.probeTimeoutMs, () =>
      this.#refute(),
    );
    for (const check of healthChecks) this.#create(check);
  }

  #create(options: ResolvedHealthCheck): HealthCheck {
    const isGate = options.role === 'gate';
    const lines = isGate ? this.sideLines : this.lines;
    const check = new HealthCheck(options, this, lines, this.time);
    (isGate ? this.#gates : this.#checks).push(check);
    return check;
  }

  /** The shortest timeout of a full check's probe. */
  get probeTimeoutMs(): number {
    return this.#timeoutOf(this.database.healthChecks);
  }

  #timeoutOf(checks: readonly ResolvedHealthCheck[]): number {
    const full = checks.filter(({ role }) => role === 'full');
    const timeouts = full.map(({ timeoutMs }) => timeoutMs);
    return timeouts.length === 0 ? DEFAULT_TIMEOUT_MS : Math.min(...timeouts);
  }

  /** Whether any check determines the health. */
  get hasChecks(): boolean {
    return this.#checks.length > 0;
  }

  /**
   * The database for commands that are no probes, over a connection that has just answered: an old one
   * may be dead without an error.
   */
  async target(signal: AbortSignal): Promise<ProbeTarget> {
    const { commands } = this.sideLines;
    await orAborted(
      commands.useNew(this.time.clock.now(), signal, (connection) => connection.send(['PING'])),
      signal,
    );
    return probeTarget(this.sideLines, signal);
  }

  /** The database for measurements, over the connection of the full checks, which is usually open. */
  measured(signal: AbortSignal): ProbeTarget {
    return probeTarget(this.lines, signal);
  }

  /**
   * Sends a command over a probe connection that is open, and opens one only where no check has its
   * own. The answer says nothing about the health of the database.
   */
  ride(args: readonly CommandArgument[]): Promise<unknown> {
    const { commands } = this.lines;
    const controller = new AbortController();
    const timer = this.time.loop.after(this.probeTimeoutMs, () => {
      controller.abort(ownError(`no answer within ${this.probeTimeoutMs} ms`));
    });
    const answer = commands.connected
      ? orAborted(commands.ride(args), controller.signal)
      : this.#opensConnections
        ? Promise.reject(ownError('no probe connection is open'))
        : this.target(controller.signal).then((target) => target.sendCommand(args));
    return answer.finally(() => timer.cancel());
  }

  /** Whether the full checks have opened a connection, and will again. */
  get #opensConnections(): boolean {
    return this.hasChecks && this.lines.commands.wasUsed;
  }

  /** Starts all checks, and the watch over the host names. */
  start(): void {
    for (const check of [...this.#checks, ...this.#gates]) check.start();
    this.#names.start();
  }

  /** Adds a check while the others run. A gate of a database that was left is closed until it passes. */
  add(options: ResolvedHealthCheck): void {
    this.#create(options).start();
    if (options.role === 'gate') this.listener.onGates(this.database, this.gateCause);
  }

  /** Ends the checks of this name. The others run again: connections that none uses stay closed. */
  remove(name: string): void {
    for (const list of [this.#checks, this.#gates]) {
      const removed = list.filter((check) => check.options.name === name);
      if (removed.length === 0) continue;
      list.splice(0, list.length, ...list.filter((check) => !removed.includes(check)));
      for (const check of removed) this.#forget(check);
      restUnused(list === this.#gates ? this.sideLines : this.lines);
      for (const check of list) check.start();
    }
    for (const lines of this.peers()) restUnused(lines);
    this.listener.onGates(this.database, this.gateCause);
    this.#conclude();
  }

  #forget(check: HealthCheck): void {
    check.close();
    this.#latest.delete(check);
    this.#startedFor.delete(check);
    // Whoever waits for it waits for the others alone.
    const result = { healthy: true, cause: undefined, error: undefined, latencyMs: 0 };
    for (const onProbe of [...this.#probed]) onProbe(check, result);
  }

  /** Reports what the latest rounds of the full checks say together, if all of them are known. */
  #conclude(): void {
    const { incarnation } = this.database;
    const latest = this.#checks.map((check) => this.#latest.get(check));
    const failed = latest.find((each) => each?.incarnation === incarnation && !each.healthy);
    const havePassed = this.hasChecks && this.#stateWords.size === 0 && this.#allPassed();
    if (failed === undefined && !havePassed) return;
    this.#tell({ healthy: havePassed, cause: failed?.cause, error: undefined });
  }

  /**
   * Starts or hurries a round of each full check. A state word that the database replied with is
   * checked until it passes.
   */
  suspect(suspicion: Suspicion & { readonly stateWord?: string | undefined } = {}): void {
    const { stateWord } = suspicion;
    if (stateWord !== undefined) {
      this.#complaints.add(stateWord);
      // One new connection is enough for a complaint that is repeated over and over.
      const since = this.#complainedAt.get(stateWord) ?? this.time.clock.now();
      this.#complainedAt.set(stateWord, since);
      suspicion = { ...suspicion, doubtSince: since };
    }
    if (!this.hasChecks && stateWord !== undefined) {
      const checks = [...this.#complaints].map((word) => this.#stateCheckFor(word));
      this.#complaintProbe.run(inTurn(checks));
      return;
    }
    const isNew = stateWord !== undefined && !this.#stateWords.has(stateWord);
    if (isNew && this.#stateCheckFor(stateWord) !== undefined) {
      this.#stateWords.add(stateWord);
      // Earlier probes did not check this state.
      for (const check of this.#checks) check.restart(suspicion);
    } else {
      for (const check of this.#checks) check.start(suspicion);
    }
  }

  /**
   * Starts a new round of each full check now, because packets of a connection attempt may be lost.
   */
  restart(): void {
    if (!this.lines.commands.connected) this.lines.commands.renew();
    for (const check of this.#checks) check.restart();
  }

  /** Runs one probe of each full check over a new connection. */
  verify(): Promise<Verdict> {
    const missing = new Set(this.#checks);
    return new Promise((resolve) => {
      const onProbe = (check: HealthCheck, result: ProbeResult) => {
        missing.delete(check);
        if (result.healthy && missing.size > 0) return;
        this.#probed.delete(onProbe);
        const { healthy, cause, error } = result;
        resolve({
          healthy,
          cause: healthy ? undefined : `${check.options.name}: ${cause ?? 'failed'}`,
          error,
        });
      };
      if (missing.size === 0) resolve({ healthy: true, cause: undefined, error: undefined });
      else {
        this.#probed.add(onProbe);
        this.suspect({ fresh: true });
      }
    });
  }

  close(): void {
    this.#names.close();
    this.#complaintProbe.close();
    for (const check of [...this.#checks, ...this.#gates]) check.close();
    for (const { commands, subscriptions } of [this.lines, this.sideLines]) {
      commands.close();
      subscriptions.close();
    }
    const [check] = this.#checks;
    if (check === undefined) return;
    const error = ownError('health checks have ended');
    const ended = { healthy: false, cause: error.message, error, latencyMs: 0 };
    for (const onProbe of [...this.#probed]) onProbe(check, ended);
  }

  onRoundStart(check: HealthCheck): void {
    this.#startedFor.set(check, this.database.incarnation);
  }

  onProbe(check: HealthCheck, result: ProbeResult): boolean {
    this.listener.onProbe(this.database, {
      check: check.options.name,
      healthy: result.healthy,
      cause: result.cause,
      timedOut: result.timedOut ?? false,
      at: new Date(this.time.clock.wallTime()),
      latencyMs: result.latencyMs,
    });
    if (check.options.role === 'gate') return false;
    if (result.healthy) this.#refute();
    for (const onProbe of [...this.#probed]) onProbe(check, result);
    return this.listener.oneProbeIsEnough(this.database);
  }

  /** Reports each complaint that was not confirmed, once. */
  #refute(): void {
    for (const stateWord of [...this.#complaints]) {
      this.#complaints.delete(stateWord);
      this.listener.onRefuted(this.database, stateWord);
    }
  }

  onVerdict(check: HealthCheck, healthy: boolean, last: ProbeResult): void {
    const { incarnation } = this.database;
    if (this.#startedFor.get(check) !== incarnation) {
      // The database was left meanwhile: the results of this round are outdated.
      check.start();
      return;
    }
    const cause = healthy ? undefined : `${check.options.name}: ${last.cause ?? 'failed'}`;
    this.#latest.set(check, { healthy, cause, incarnation });
    if (check.options.role === 'gate') this.listener.onGates(this.database, this.gateCause);
    else if (!healthy) this.#tell({ healthy, cause, error: last.error });
    else if (this.#allPassed()) {
      this.#maybeSentinel = false;
      this.#stateWords.clear();
      this.#complainedAt.clear();
      this.#tell({ healthy, cause, error: undefined });
    }
  }

  stateCheck(check: HealthCheck): HealthCheckFunction | undefined {
    if (check.options.role === 'gate') return undefined;
    const checks = [...this.#stateWords].map((word) => this.#stateCheckFor(word));
    // A strategy that needs no connection opens none.
    const { commands } = this.lines;
    if (this.#maybeSentinel) checks.push((probe) => !commands.connected || isNoSentinel(probe));
    return checks.length === 0 ? undefined : inTurn(checks);
  }

  #stateCheckFor(stateWord: string): HealthCheckFunction | undefined {
    return stateCheckFor(stateWord, this.time.options.proxyErrors);
  }

  peers(): readonly ProbeLines[] {
    return this.listener.linesBeside(this.database);
  }

  #allPassed(): boolean {
    const { incarnation } = this.database;
    return this.#checks.every((each) => {
      const latest = this.#latest.get(each);
      return latest?.healthy === true && latest.incarnation === incarnation;
    });
  }

  #tell(verdict: Verdict): void {
    this.listener.onHealthVerdict(this.database, verdict);
  }

  /**
   * Why a failback to the database is not allowed; `undefined` if it is. Gates are open before the
   * first verdict, because start-up does not wait for them. After the database was left they are
   * closed until they have passed again.
   */
  get gateCause(): string | undefined {
    const { incarnation, left } = this.database;
    for (const gate of this.#gates) {
      const latest = this.#latest.get(gate);
      const isKnown = latest?.incarnation === incarnation;
      if (isKnown ? latest.healthy : left === undefined) continue;
      return isKnown
        ? latest.cause
        : `${gate.options.name}: not checked again since the database was left`;
    }
    return undefined;
  }
}

/** Runs the checks once, one after the other. */
function inTurn(checks: readonly (HealthCheckFunction | undefined)[]): HealthCheckFunction {
  return async (probe) => {
    for (const each of new Set(checks)) await each?.(probe);
    return true;
  };
}
