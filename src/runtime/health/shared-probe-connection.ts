import type { Clock, Timer } from '../../clock.js';
import { backoffMs } from '../../core/backoff.js';
import type { CommandArgument } from '../../core/command-argument.js';
import type { Connector, LibraryErrors, LoopTime, ProbeConnection } from '../../drivers/driver.js';
import { ownError } from '../../foreign/own-error.js';
import { isError } from '../../is-error.js';
import { orAborted } from './or-aborted.js';
import { ProbePath, Renewed } from './probe-path.js';

/** Pauses before a broken connection is replaced: none the first time, then growing. */
const BACKOFF = { firstMs: 5, longestMs: 100 };
/** How long a superseded connection is kept, in milliseconds. */
const FORMER_MS = 2000;
/** Pause after a new connection that did no better than the current one, in milliseconds. */
const IN_VAIN_MS = 1000;

/** Temporary refusals, which another connection to the same server could have received as well. */
const SAME_SERVER = /^(\w*Error: )?(BUSY|TRYAGAIN) /;

export interface SharedProbeSetting {
  /**
   * How long a command may be unanswered before its connection counts as silent, in milliseconds.
   */
  readonly silentAfterMs: number;
  /**
   * The connection led to another server or to none: a new one replied where it refused or was
   * silent.
   */
  onOutdated(why: Error): void;
  /**
   * A connection was established; the attempt began at `startedAt` (monotonic), and took `loopMs` of
   * loop time.
   */
  onOpened?(startedAt: number, loopMs: number): void;
  /** A server has answered over a connection, with a reply or an error reply. */
  onAnswered?(): void;
}

type Ending<T> =
  | { readonly ok: true; readonly value: T; readonly way: ProbePath }
  /** `answered`: the failure is an error reply. */
  | { readonly ok: false; readonly error: unknown; readonly answered: boolean };

/** The current connection's answer to a command that also goes over its successor. */
interface PresentAnswer {
  state: 'under way' | 'refused' | 'over';
  failure: unknown;
  /** Called if the current connection refuses after the successor has taken its place. */
  onLateRefusal?: () => void;
}

/**
 * A connection for the probes of one database, shared by its checks. It is opened when it is
 * needed, reused, and replaced at once when it breaks, so that a probe fails because of the server
 * and not because of an old connection.
 *
 * An old connection may lead to a server that the database's name no longer means, or into a flow
 * that a firewall has dropped. In doubt, a successor is therefore opened beside it: commands go
 * over both, and the answer of the new one counts.
 */
export class SharedProbeConnection {
  /** Number of error replies over connections that were open before they were used. */
  refusals = 0;
  /** The error by which the latest failed connection was cut, until one succeeds. */
  cutBy: unknown;
  #present: ProbePath | undefined;
  /** Opened beside the current one. */
  #successor: ProbePath | undefined;
  #closed = false;
  #wasUsed = false;
  /** Monotonic time at which a successor refused as well, or could not be opened. */
  #inVainAt = Number.NEGATIVE_INFINITY;
  #former: { readonly way: ProbePath; readonly timer: Timer } | undefined;
  /**
   * Actions in progress: the key starts one over the successor as well, the value returns its
   * refusal so far.
   */
  readonly #uses = new Map<() => void, () => unknown>();
  readonly #timers = new Set<Timer>();
  /** Every connection that may be open or opening: `close` ends it, whatever its role. */
  readonly #ways = new Set<ProbePath>();

  constructor(
    private readonly driver: Connector & LibraryErrors,
    private readonly time: { readonly clock: Clock; readonly loop: LoopTime },
    private readonly setting?: SharedProbeSetting,
  ) {}

  get connected(): boolean {
    return this.#present?.connection !== undefined;
  }

  /** Whether a connection was ever asked for. */
  get wasUsed(): boolean {
    return this.#wasUsed;
  }

  /**
   * Sends over the current connection, which is open; nothing is repeated, and no conclusion is drawn
   * from the answer.
   */
  async ride(args: readonly CommandArgument[]): Promise<unknown> {
    const connection = this.#present?.connection;
    if (connection === undefined) throw ownError('no probe connection is open');
    try {
      return await connection.send(args);
    } finally {
      if (connection.alive) this.setting?.onAnswered?.();
    }
  }

  /** Makes later actions, and those in progress, use a new connection. */
  renew(): void {
    this.#present?.end();
    this.#present = undefined;
    this.#successor?.end();
    this.#successor = undefined;
  }

  /**
   * Makes actions in progress, and later ones, also go over a new connection beside the current
   * one, unless the current one was opened at `since` (monotonic) or later, or a new one has just
   * done no better. Returns true if there is a new connection beside the current one.
   */
  doubt(since: number): boolean {
    if (this.#successor?.isUsable) return true;
    const now = this.time.clock.now();
    if (now - this.#inVainAt < IN_VAIN_MS) return false;
    return this.#openSuccessor(since);
  }

  /** Opens a new connection unless the current one was opened at `since` (monotonic) or later. */
  #openSuccessor(since: number): boolean {
    const present = this.#present;
    if (this.#closed || present?.isUsable !== true || present.since >= since) return false;
    this.#successor = this.#newWay();
    for (const again of [...this.#uses.keys()]) again();
    return true;
  }

  /** Closes the successor if no action is in progress. */
  endDoubt(): void {
    if (this.#uses.size > 0) return;
    this.#successor?.end();
    this.#successor = undefined;
  }

  /** The current connection's refusal of an action that still waits for a new one. */
  get refusal(): unknown {
    return [...this.#uses.values()].map((refusal) => refusal()).find((each) => each !== undefined);
  }

  /** Whether a command waits for its answer. */
  get isWaiting(): boolean {
    return this.#uses.size > 0;
  }

  /** Like `renew`, but the current connection stays open for some seconds as `former`. */
  supersede(): void {
    const present = this.#present;
    this.#present = undefined;
    this.renew();
    if (present !== undefined) this.#keep(present);
  }

  /**
   * The latest superseded connection, while it is kept: it leads to the same server as the data
   * connections that were opened at about the same time.
   */
  get former(): ProbeConnection | undefined {
    return this.#former?.way.connection;
  }

  /**
   * Runs `action` on the connection, and again on a new one whenever it breaks: only a refusal, an
   * error reply or the caller's timeout ends it. In doubt the action also runs over the new
   * connection; the first success counts, and an error reply of the new one.
   */
  use<T>(signal: AbortSignal, action: (connection: ProbeConnection) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let underWay = 0;
      const present: PresentAnswer = { state: 'under way', failure: undefined };
      let failure: unknown;
      let wasDoubted = false;
      let isOver = false;
      const end = () => {
        isOver = true;
        this.#uses.delete(again);
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        end();
        reject(signal.reason);
      };
      const fail = (error: unknown, answered: boolean) => {
        if (answered || failure === undefined) failure = error;
        if (underWay > 0 || isOver) return;
        end();
        reject(failure);
      };
      const overPresent = async () => {
        underWay += 1;
        const before = this.#present?.connection;
        const ending = await this.#run(() => this.#wayOfPresent(), signal, action);
        underWay -= 1;
        present.state = !ending.ok && ending.answered ? 'refused' : 'over';
        if (!ending.ok) present.failure = ending.error;
        if (present.state === 'refused') present.onLateRefusal?.();
        if (ending.ok) {
          end();
          resolve(ending.value);
        } else {
          const isElsewhere = ending.answered && !SAME_SERVER.test(String(ending.error));
          if (isElsewhere && before !== undefined && !wasDoubted) this.refusals += 1;
          fail(ending.error, ending.answered);
        }
      };
      const again = async () => {
        wasDoubted = true;
        underWay += 1;
        const ending = await this.#run(() => this.#wayOfSuccessor(), signal, action);
        underWay -= 1;
        if (!ending.ok && !signal.aborted) this.#inVainAt = this.time.clock.now();
        if (ending.ok) {
          this.#promote(ending.way, present);
          end();
          resolve(ending.value);
        } else if (ending.answered && !isOver) {
          end();
          reject(ending.error);
        } else fail(ending.error, false);
      };
      this.#uses.set(again, () => (present.state === 'refused' ? failure : undefined));
      signal.addEventListener('abort', onAbort, { once: true });
      const isDoubted = this.#successor?.isUsable === true;
      overPresent();
      if (isDoubted) again();
    });
  }

  /**
   * Runs `action` over a connection that was opened at `since` (monotonic) or later. One that is not
   * open when `signal` aborts is given up: its packets may be lost.
   */
  async useNew<T>(
    since: number,
    signal: AbortSignal,
    action: (connection: ProbeConnection) => Promise<T>,
  ): Promise<T> {
    const nothing = () => {};
    this.#uses.set(nothing, nothing);
    try {
      // Also right after another new connection did no better: the current one is too old.
      if (!this.#successor?.isUsable) this.#openSuccessor(since);
      const running = this.#run(() => this.#wayOfSuccessor(), signal, action);
      const ending = await orAborted(running, signal);
      if (!ending.ok) throw ending.error;
      this.#promote(ending.way, { state: 'over', failure: undefined });
      return ending.value;
    } finally {
      this.#uses.delete(nothing);
      if (signal.aborted && this.#successor?.connection === undefined) {
        this.#successor?.end();
        this.#successor = undefined;
      }
      this.endDoubt();
    }
  }

  close(): void {
    this.#closed = true;
    this.renew();
    this.#endFormer();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    for (const way of this.#ways) way.end();
    this.#ways.clear();
  }

  #newWay(): ProbePath {
    this.#wasUsed = true;
    for (const way of this.#ways) if (!way.isUsable) this.#ways.delete(way);
    const { clock, loop } = this.time;
    const loopFrom = loop.time;
    const way = new ProbePath(this.driver, clock.now(), (startedAt) => {
      this.setting?.onOpened?.(startedAt, loop.time - loopFrom);
    });
    this.#ways.add(way);
    return way;
  }

  /** The successor, or the current connection if the successor has taken its place. */
  #wayOfSuccessor(): ProbePath {
    if (this.#successor === undefined) return this.#wayOfPresent();
    if (!this.#successor.isUsable) this.#successor = this.#newWay();
    return this.#successor;
  }

  #wayOfPresent(): ProbePath {
    if (this.#present?.isUsable !== true) {
      if (this.#closed) throw new Error('health checks have ended');
      this.#present = this.#newWay();
    }
    return this.#present as ProbePath;
  }

  /** Never rejects. */
  async #run<T>(
    wayOf: () => ProbePath,
    signal: AbortSignal,
    action: (connection: ProbeConnection) => Promise<T>,
  ): Promise<Ending<T>> {
    for (let broken = 0; ; broken += 1) {
      let connection: ProbeConnection | undefined;
      try {
        signal.throwIfAborted();
        const way = wayOf();
        connection = await way.opened;
        this.cutBy = undefined;
        signal.throwIfAborted();
        const value = await action(connection);
        this.setting?.onAnswered?.();
        return { ok: true, value, way };
      } catch (error) {
        const goOn = connection === undefined ? this.#isCut(error) : !connection.alive;
        if (connection === undefined && this.driver.isCut(error)) this.cutBy = error;
        if (!goOn || signal.aborted || this.#closed) {
          const answered = connection?.alive === true;
          if (answered && !signal.aborted) this.setting?.onAnswered?.();
          return { ok: false, error, answered };
        }
        if (broken > 0) await this.#pause(broken);
      }
    }
  }

  /** The successor has answered and takes the current connection's place. */
  #promote(way: ProbePath, answer: PresentAnswer): void {
    if (way !== this.#successor) return;
    const previous = this.#present;
    this.#present = way;
    this.#successor = undefined;
    if (previous === undefined) return;
    if (answer.state === 'under way' && this.setting !== undefined) {
      this.#awaitAnswer(previous, answer, this.setting);
      return;
    }
    this.#keep(previous);
    if (answer.state === 'refused') this.setting?.onOutdated(asError(answer.failure));
  }

  /**
   * Finds out whether the previous connection is slow, silent, or refuses what its successor
   * accepted. Detecting silence takes as long as a probe may take.
   */
  #awaitAnswer(previous: ProbePath, answer: PresentAnswer, setting: SharedProbeSetting): void {
    const { silentAfterMs, onOutdated } = setting;
    const timer = this.time.loop.after(silentAfterMs, () => {
      this.#timers.delete(timer);
      const isSilent = answer.state === 'under way' && previous.isUsable;
      previous.end();
      if (isSilent) onOutdated(new Error('the probe connection is silent'));
    });
    this.#timers.add(timer);
    answer.onLateRefusal = () => {
      if (!this.#timers.delete(timer)) return;
      timer.cancel();
      this.#keep(previous);
      onOutdated(asError(answer.failure));
    };
  }

  #keep(way: ProbePath): void {
    this.#endFormer();
    const timer = this.time.clock.after(FORMER_MS, () => this.#endFormer());
    this.#former = { way, timer };
  }

  #endFormer(): void {
    this.#former?.timer.cancel();
    this.#former?.way.end();
    this.#former = undefined;
  }

  /**
   * Whether the connection was accepted and then cut, or abandoned for a new one, as opposed to
   * refused, unreachable or answered.
   */
  #isCut(error: unknown): boolean {
    return error instanceof Renewed || this.driver.isCut(error);
  }

  #pause(broken: number): Promise<void> {
    return new Promise((resolve) => {
      this.time.clock.after(backoffMs(BACKOFF, broken - 1), resolve);
    });
  }
}

function asError(error: unknown): Error {
  return isError(error) ? error : new Error(String(error));
}
