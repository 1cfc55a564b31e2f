import { RoundResults } from '../../core/round-results.js';
import { ownError } from '../../foreign/own-error.js';
import { isNoSentinel } from '../../health-strategies/role-check.js';
import type { HealthCheckFunction } from '../../health-strategies/strategy.js';
import type { ResolvedHealthCheck } from '../../options/types.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { ProbeRecord } from '../probe-record.js';
import { ComplaintProbe } from './complaint-probe.js';
import { HealthCheck, type HealthCheckListener, type Suspicion } from './health-check.js';
import { NameWatch } from './name-watch.js';
import type { ProbeResult, Verdict } from './probe.js';
import { type ProbeLines, restUnused } from './probe-target.js';
import { ProbeWaiters } from './probe-waiters.js';
import { SharedProbeConnection } from './shared-probe-connection.js';
import { SideCommands } from './side-commands.js';
import { inTurn, StateComplaints } from './state-complaints.js';

export interface HealthMonitorListener {
  onProbe(database: Database, record: ProbeRecord): void;
  /** Called only with verdicts for the database's present incarnation. */
  onHealthVerdict(database: Database, verdict: Verdict): void;
  /** `cause`: why a failback to the database is not allowed; `undefined`: it is. */
  onGates(database: Database, cause: string | undefined): void;
  /**
   * A probe connection led to another server, or to none, while a new one is healthy; with `bySide`
   * it was the one of the gates.
   */
  onOutdated(database: Database, why: Error, bySide: boolean): void;
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
  /** A server has answered over a probe connection, with a reply or an error reply. */
  onAnswered(database: Database): void;
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
  readonly sideCommands: SideCommands;
  /** The full checks, which determine the health. */
  readonly #checks: HealthCheck[] = [];
  readonly #gates: HealthCheck[] = [];
  readonly #results = new RoundResults<HealthCheck>();
  readonly #probed = new ProbeWaiters();
  readonly #complaints: StateComplaints;
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
    this.#complaints = new StateComplaints(time.options.proxyErrors);
    const setting = {
      silentAfterMs: this.#timeoutOf(healthChecks),
      onOpened: (startedAt: number, loopMs: number) => {
        // Loop time is as coarse as its ticks.
        const longestMs = loopMs + 2 * time.loop.tickMs;
        database.responseTimes?.addOpening(Math.min(time.clock.now() - startedAt, longestMs));
        connections.onReached(database, startedAt);
      },
      onAnswered: () => connections.onAnswered(database),
    };
    const newLines = (bySide: boolean): ProbeLines => {
      const onOutdated = (why: Error) => listener.onOutdated(database, why, bySide);
      const newLine = () => new SharedProbeConnection(driver, time, { ...setting, onOutdated });
      return { database, commands: newLine(), subscriptions: newLine() };
    };
    this.lines = newLines(false);
    this.sideLines = newLines(true);
    this.sideCommands = new SideCommands(this, time);
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
    this.#results.forget(check);
    // Whoever waits for it waits for the others alone.
    const result = { healthy: true, cause: undefined, error: undefined, latencyMs: 0 };
    this.#probed.onProbe(check, result);
  }

  /** Reports what the latest rounds of the full checks say together, if all of them are known. */
  #conclude(): void {
    const failed = this.#results.failed(this.#checks, this.database);
    const havePassed = this.hasChecks && !this.#complaints.arePending && this.#allPassed();
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
      const doubtSince = this.#complaints.note(stateWord, this.time.clock.now());
      suspicion = { ...suspicion, doubtSince };
    }
    if (!this.hasChecks && stateWord !== undefined) {
      this.#complaintProbe.run(inTurn(this.#complaints.complaintChecks()));
      return;
    }
    if (stateWord !== undefined && this.#complaints.require(stateWord)) {
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
    const verdict = this.#probed.next(this.#checks);
    if (this.hasChecks) this.suspect({ fresh: true });
    return verdict;
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
    this.#probed.onProbe(check, ended);
  }

  onRoundStart(check: HealthCheck): void {
    this.#results.begin(check, this.database);
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
    this.#probed.onProbe(check, result);
    return this.listener.oneProbeIsEnough(this.database);
  }

  #refute(): void {
    this.#complaints.refute((stateWord) => this.listener.onRefuted(this.database, stateWord));
  }

  onVerdict(check: HealthCheck, healthy: boolean, last: ProbeResult): void {
    const cause = healthy ? undefined : `${check.options.name}: ${last.cause ?? 'failed'}`;
    if (!this.#results.record(check, { healthy, cause }, this.database)) {
      // The database was left meanwhile: the results of this round are outdated.
      check.start();
      return;
    }
    if (check.options.role === 'gate') this.listener.onGates(this.database, this.gateCause);
    else if (!healthy) this.#tell({ healthy, cause, error: last.error });
    else if (this.#allPassed()) {
      this.#maybeSentinel = false;
      this.#complaints.pass();
      this.#tell({ healthy, cause, error: undefined });
    }
  }

  stateCheck(check: HealthCheck): HealthCheckFunction | undefined {
    if (check.options.role === 'gate') return undefined;
    const checks = this.#complaints.requiredChecks();
    // A strategy that needs no connection opens none.
    const { commands } = this.lines;
    if (this.#maybeSentinel) checks.push((probe) => !commands.connected || isNoSentinel(probe));
    return checks.length === 0 ? undefined : inTurn(checks);
  }

  peers(): readonly ProbeLines[] {
    return this.listener.linesBeside(this.database);
  }

  #allPassed(): boolean {
    return this.#results.allPassed(this.#checks, this.database);
  }

  #tell(verdict: Verdict): void {
    this.listener.onHealthVerdict(this.database, verdict);
  }

  /** Why a failback to the database is not allowed; `undefined` if it is. */
  get gateCause(): string | undefined {
    return this.#results.closedGate(this.#gates, this.database);
  }
}
