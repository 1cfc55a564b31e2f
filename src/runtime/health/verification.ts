import type { Timer } from '../../clock.js';
import { type DatabaseView, isSilent, isUsable } from '../../core/selection.js';
import type { Attempt, Connection } from '../../drivers/driver.js';
import { ownError } from '../../foreign/own-error.js';
import type { ReconnectingConnection } from '../connection/reconnecting-connection.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { HealthMonitor } from './health-monitor.js';
import type { Reachability } from './reachability.js';

export interface VerificationHost {
  readonly reachability: Reachability;
  readonly monitors: ReadonlyMap<Database, HealthMonitor>;
  probeTimeoutMs(database: Database): number;
  isActive(database: Database): boolean;
  readonly connections: {
    /**
     * A standby has not answered over its data connection since `since` (monotonic), and no other
     * connection could be opened.
     */
    onSilent(database: Database, since: number, error: Error): void;
  };
}

/** The shortest wait for an answer, in milliseconds. */
const SHORTEST_WAIT_MS = 20;
/** Share of the probe timeout that is the longest wait for an answer. */
const LONGEST_WAIT = 0.25;
/** Waiting time as a multiple of the recent latency of probes. */
const LATENCIES = 5;

/** An unanswered question over one data connection. */
interface Question {
  readonly connection: Connection;
  readonly bytesBefore: number;
  /** The question waits behind a blocking command: silence proves nothing. */
  readonly isBlocked: boolean;
  /** The server has answered over another connection. */
  readonly onAnswered: () => void;
  readonly end: () => void;
}

/**
 * Asks over the data connections of a database, of every client, whether it answers: a connection
 * may be dead without an error, and a standby's connection carries no commands that would show it.
 *
 * A silent connection is renewed: another one is opened beside it and takes its place. Commands in
 * flight on the silent one then end, because a connection that was opened later has answered first.
 * The connection alone is dead if it is still silent `patienceMs` after the server has answered over
 * a probe connection. Without such an answer the server may be slow, for instance because thousands
 * of processes ask it at this moment, and could not accept a connection of each: the renewal waits
 * for a quarter of the probe timeout.
 *
 * A connection with a blocking command is not silent, and its answer is not awaited for longer than
 * `patienceMs`, because it comes when that command has ended.
 */
export class Verification {
  readonly #rounds = new Map<Database, Promise<boolean>>();
  readonly #questions = new Map<ReconnectingConnection, Question>();
  /**
   * Monotonic time at which the standbys were last asked because the active database was suspect.
   */
  #standbysAskedAt = Number.NEGATIVE_INFINITY;
  /** The same for each standby; of several unanswered questions the first. */
  readonly #askedAt = new WeakMap<Database, number>();
  /** Verifications that are delayed. */
  readonly #later = new Set<Timer>();

  constructor(
    private readonly runtime: EngineContext,
    private readonly host: VerificationHost,
  ) {}

  /** How long an answer may take before the connection is in doubt, in milliseconds. */
  patienceMs(database: Database): number {
    const longest = this.host.probeTimeoutMs(database) * LONGEST_WAIT;
    const { lastProbe } = database;
    if (lastProbe?.healthy !== true) return longest;
    return Math.min(longest, Math.max(SHORTEST_WAIT_MS, LATENCIES * lastProbe.latencyMs));
  }

  /**
   * The active database is suspect: asks every candidate to replace it over its data connections,
   * at the same time as by its checks.
   */
  askStandbys(active: Database): void {
    const now = this.runtime.clock.now();
    if (now - this.#standbysAskedAt < this.host.probeTimeoutMs(active)) return;
    this.#standbysAskedAt = now;
    for (const [database, monitor] of this.host.monitors) {
      if (database === active || !isUsable(database)) continue;
      if (this.unansweredSince(database) === undefined) this.#askedAt.set(database, now);
      monitor.suspect();
      if (isLazyAndReached(database, monitor)) this.#verifyLater(database);
      else void this.verify(database);
    }
  }

  /**
   * A lazy standby answers over its probe connection first. A failover that follows at once opens
   * the data connection anyway, and thousands of processes would open two at the same moment.
   */
  #verifyLater(database: Database): void {
    const delayMs = this.host.probeTimeoutMs(database) * LONGEST_WAIT;
    const timer = this.runtime.clock.after(delayMs, () => {
      this.#later.delete(timer);
      if (database.resting && this.host.monitors.has(database)) void this.verify(database);
    });
    this.#later.add(timer);
  }

  end(): void {
    for (const timer of this.#later) timer.cancel();
    this.#later.clear();
  }

  /** Monotonic time of the unanswered question; the failure has lasted since then. */
  unansweredSince(database: Database): number | undefined {
    const askedAt = this.#askedAt.get(database);
    return askedAt !== undefined && database.answeredAt < askedAt ? askedAt : undefined;
  }

  /**
   * Whether the database was asked when the active one became suspect, and has not answered in
   * time.
   */
  readonly isSilent = (view: DatabaseView): boolean => {
    const database = view as Database;
    const at = this.#askedAt.get(database);
    if (at === undefined) return false;
    const patienceMs = this.patienceMs(database);
    return isSilent(view, { at, now: this.runtime.clock.now(), patienceMs });
  };

  /** Whether the database has answered within the last probe timeout, and is not silent since. */
  isFresh(database: Database): boolean {
    const from = this.runtime.clock.now() - this.host.probeTimeoutMs(database);
    return database.answeredAt >= from && !this.isSilent(database);
  }

  /**
   * Resolves to whether all data connections have answered, or were replaced by ones that do,
   * within the probe timeout. For a lazy standby a connection is opened. Joins a question in
   * progress. Never rejects.
   */
  verify(database: Database): Promise<boolean> {
    const underWay = this.#rounds.get(database);
    if (underWay !== undefined) return underWay;
    const round = this.#ask(database).finally(() => this.#rounds.delete(database));
    this.#rounds.set(database, round);
    return round;
  }

  /** The server of the database has answered over a probe connection. */
  onAnswered(database: Database): void {
    // A lazy standby has no other connection that could be asked.
    if (database.resting) this.#askedAt.delete(database);
    if (this.#questions.size === 0) return;
    for (const link of database.links) this.#questions.get(link)?.onAnswered();
  }

  /** `link` has another connection now, which was opened while `previous` was asked. */
  onRenewed(link: ReconnectingConnection, previous: Connection): void {
    const question = this.#questions.get(link);
    if (question?.connection !== previous) return;
    this.runtime.clock.afterTurn(() => {
      question.end();
      if (question.isBlocked || previous.bytesReceived > question.bytesBefore) return;
      previous.destroy(ownError('the connection did not answer, but a newer one did'));
    });
  }

  async #ask(database: Database): Promise<boolean> {
    if (database.resting) return this.host.reachability.attempt(database);
    const startedAt = this.runtime.clock.now();
    this.#askOverProbeConnection(database);
    await Promise.all(database.links.map((link) => this.#askOver(link, database, startedAt)));
    return database.connected && database.answeredAt >= startedAt;
  }

  /** Asks over an open probe connection, unless it carries a question that is not answered yet. */
  #askOverProbeConnection(database: Database): void {
    const monitor = this.host.monitors.get(database);
    const { connected, isWaiting } = monitor?.lines.commands ?? {};
    if (connected && !isWaiting) monitor?.sideCommands.ride(['PING']).catch(() => {});
  }

  #askOver(link: ReconnectingConnection, database: Database, startedAt: number): Promise<void> {
    const { connection } = link;
    const { clock, loop } = this.runtime;
    const timeoutMs = this.host.probeTimeoutMs(database);
    if (connection === undefined) {
      // A connection that is opening answers by becoming ready. One that has been opening for too
      // long is opened again.
      link.hurry(clock.now() - timeoutMs);
      return Promise.resolve();
    }
    const { isBlocked } = link;
    // A blocking command on the active database may take indefinitely, and is watched separately.
    if (isBlocked && this.host.isActive(database)) return Promise.resolve();
    return new Promise((resolve) => {
      let open = 0;
      let answered = true;
      let isProvenAlive = false;
      const patienceMs = this.patienceMs(database);
      const timers = new Set<Timer>();
      const after = (delayMs: number, act: () => void) => timers.add(loop.after(delayMs, act));
      const end = () => {
        for (const timer of timers) timer.cancel();
        if (this.#questions.get(link) === question) this.#questions.delete(link);
        resolve();
      };
      const { bytesReceived: bytesBefore } = connection;
      const isSilent = () =>
        link.connection === connection && connection.bytesReceived === bytesBefore;
      const renewIfSilent = () => {
        if (isSilent()) link.renew();
      };
      const onAnswered = () => {
        if (isProvenAlive || isBlocked) return;
        isProvenAlive = true;
        after(patienceMs, renewIfSilent);
      };
      const question = { connection, bytesBefore, isBlocked, onAnswered, end };
      this.#questions.set(link, question);
      const onAnswer = (isAnswer: boolean) => {
        open -= 1;
        answered &&= isAnswer;
        if (open > 0) return;
        if (answered && link.connection === connection) link.answeredAt = clock.now();
        end();
      };
      askEachPath(connection, () => {
        open += 1;
        return ping(
          () => onAnswer(true),
          (error) => onAnswer(database.driver.classify(error) === 'reply'),
        );
      });
      if (open === 0) end();
      else if (isBlocked) after(patienceMs, end);
      else {
        after(timeoutMs * LONGEST_WAIT, renewIfSilent);
        after(timeoutMs, () => {
          end();
          // The active database has commands, whose deadlines show its state.
          if (!isSilent() || this.host.isActive(database)) return;
          const error = ownError(`no answer over the data connection within ${timeoutMs} ms`);
          link.drop(error);
          this.host.connections.onSilent(database, startedAt, error);
        });
      }
    });
  }
}

/** Whether an open probe connection would show that a lazy standby is lost. */
function isLazyAndReached(database: Database, { lines }: HealthMonitor): boolean {
  const { resting, reachedAt, connectionFailed } = database;
  return resting && reachedAt !== undefined && !connectionFailed && lines.commands.connected;
}

/** Asks over each lane that can be asked; over none, if all of them are in use. */
function askEachPath(connection: Connection, question: () => Attempt): void {
  if (connection.ask !== undefined) connection.ask(question);
  else connection.send(question());
}

function ping(onReply: () => void, onError: (error: unknown) => void): Attempt {
  const args = ['PING'];
  return {
    args,
    batch: undefined,
    options: undefined,
    written: false,
    handle: undefined,
    isQuestion: true,
    onReply,
    onError,
  };
}
