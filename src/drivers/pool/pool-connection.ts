import type { Timer } from '../../clock.js';
import { AcquireTimeoutError } from '../../errors.js';
import type { ResolvedPool } from '../../options/types.js';
import type { ConnectionSettings } from '../connection-settings.js';
import type { Attempt, Connection, ConnectionListener, DriverTime } from '../driver.js';
import { Member, type MemberListener } from './member.js';
import { PoolRequest } from './pool-request.js';
import { WaitingQueue } from './waiting.js';

/** How a pool creates its connections. */
export interface PoolSetting {
  readonly pool: ResolvedPool;
  readonly databaseId: string;
  readonly connectTimeoutMs: number;
  readonly open: (listener: ConnectionListener) => Connection;
  /** Delay of the user before the n-th reconnect; `undefined` uses the delay of the engine. */
  readonly reconnectDelay?: (retries: number, cause: Error) => number | undefined;
  readonly observer?: PoolObserver;
}

/** Observes the connection of each command. */
export interface PoolObserver {
  /** False if there is no listener and nothing has to be measured. */
  readonly isActive: boolean;
  /** `askedAt`: monotonic milliseconds. */
  onAcquired(connection: Connection, askedAt: number): void;
}

const FIRST_REOPEN_MS = 50;
const LONGEST_REOPEN_MS = 2000;
/** A member that lived this long is replaced at once. */
const STABLE_MS = 1000;

/**
 * Several connections to one server. Each carries one command at a time, so that a blocking or slow
 * command delays no other. A command without an idle connection waits, up to `acquireTimeout`,
 * while another connection is opened, up to `maximum`.
 *
 * The pool is ready with its first member. A member that is lost while others are ready is replaced
 * if it is needed. The pool is lost with its last member.
 */
export class PoolConnection implements Connection, MemberListener {
  readonly hasLanes = true;
  readonly #members = new Set<Member>();
  /** The most recently used member is used first, so that superfluous members become idle. */
  readonly #idle: Member[] = [];
  readonly #waiting = new WaitingQueue();
  #opening = 0;
  #ready = false;
  #ended: Error | undefined;
  #isReferenced = true;
  /** Of members that have ended. */
  #pastBytes = 0;
  /** Number of consecutive members that could not be opened, or lived for a short time only. */
  #failures = 0;
  #reopenTimer: Timer | undefined;
  #acquireTimer: Timer | undefined;
  #cleanupTimer: Timer | undefined;

  constructor(
    private readonly setting: PoolSetting,
    private readonly listener: ConnectionListener,
    private readonly time: DriverTime,
  ) {
    for (let count = Math.max(setting.pool.minimum, 1); count > 0; count -= 1) this.#open();
  }

  get ready(): boolean {
    return this.#ready;
  }

  get settings(): ConnectionSettings | undefined {
    return this.listener.settings;
  }

  get bytesReceived(): number {
    let bytes = this.#pastBytes;
    for (const member of this.#members) bytes += member.bytesReceived;
    return bytes;
  }

  send(attempt: Attempt): void {
    const request = new PoolRequest(attempt, this.time.loop.time, this.#onRequestEnd);
    attempt.handle = request;
    if (this.setting.observer?.isActive) request.askedAt = this.time.clock.now();
    const member = this.#idle.pop();
    if (member !== undefined) {
      this.#start(request, member);
      return;
    }
    this.#waiting.push(request);
    this.#watchWaiting();
    this.#fill();
  }

  ask(question: () => Attempt): void {
    for (const member of this.#idle.splice(0)) {
      const attempt = question();
      const request = new PoolRequest(attempt, this.time.loop.time, this.#onRequestEnd);
      attempt.handle = request;
      member.send(request);
    }
  }

  withdraw(attempt: Attempt): boolean {
    const { handle: request } = attempt;
    if (!(request instanceof PoolRequest) || attempt.written) return false;
    if (this.#waiting.remove(request)) return true;
    if (request.member?.withdraw(request) !== true) return false;
    this.#onRequestEnd(request);
    return true;
  }

  /** Only its members have ids. */
  identify(): Promise<string> {
    return Promise.reject(new Error('a pool has several connections'));
  }

  destroy(error: Error): void {
    if (this.#ended === undefined) this.#end(error);
  }

  ref(): void {
    this.#isReferenced = true;
    for (const member of this.#members) member.ref();
  }

  unref(): void {
    this.#isReferenced = false;
    for (const member of this.#members) member.unref();
  }

  onMemberReady(member: Member): void {
    this.#opening -= 1;
    member.readyAt = this.time.clock.now();
    const isFirst = !this.#ready;
    this.#ready = true;
    this.#use(member);
    if (isFirst) this.listener.onReady();
  }

  onMemberLost(member: Member, error: Error): void {
    const wasReady = member.readyAt !== undefined;
    if (!wasReady) this.#opening -= 1;
    this.#forget(member);
    const hasReady = this.#members.size > this.#opening;
    if (!hasReady && (wasReady || this.#opening === 0)) {
      this.#ended = error;
      this.#ready = false;
      this.listener.onLost(error);
      this.#end(error);
      return;
    }
    const livedForMs = this.time.clock.now() - (member.readyAt ?? Number.POSITIVE_INFINITY);
    this.#failures = livedForMs >= STABLE_MS ? 0 : this.#failures + 1;
    this.#reopen(error);
    this.listener.onLaneLost(wasReady ? member : undefined, error);
  }

  onMemberMaintenance(forMs: number): void {
    this.listener.onMaintenance(forMs);
  }

  #open(): void {
    const { open, connectTimeoutMs } = this.setting;
    const member = new Member(open, this, (onTimeout) => {
      return this.time.loop.after(connectTimeoutMs, onTimeout);
    });
    this.#opening += 1;
    this.#members.add(member);
    if (!this.#isReferenced) member.unref();
  }

  /** Opens as many members as are missing, unless it waits because opening failed. */
  #fill(): void {
    if (this.#reopenTimer !== undefined || this.#ended !== undefined) return;
    while (this.#isShort) this.#open();
  }

  get #isShort(): boolean {
    const { minimum, maximum } = this.setting.pool;
    const { size } = this.#members;
    return size < minimum || (size < maximum && this.#opening < this.#waiting.size);
  }

  /** At once the first time, then with growing delays; commands wait meanwhile. */
  #reopen(cause: Error): void {
    if (this.#reopenTimer !== undefined) return;
    this.#reopenTimer = this.time.clock.after(
      this.#failures === 0 ? 0 : this.#reopenDelay(cause),
      () => {
        this.#reopenTimer = undefined;
        this.#fill();
      },
    );
  }

  #reopenDelay(cause: Error): number {
    const own = this.setting.reconnectDelay?.(this.#failures, cause);
    if (own !== undefined) return own;
    const nominal = FIRST_REOPEN_MS * 2 ** Math.min(this.#failures - 1, 6);
    return Math.min(nominal, LONGEST_REOPEN_MS) * (1 - 0.2 * this.time.random());
  }

  /** Gives an idle member to a waiting command, or keeps it. */
  #use(member: Member): void {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#start(next, member);
      return;
    }
    member.state = 'idle';
    member.idleSince = this.time.clock.now();
    this.#idle.push(member);
    this.#cleanUpLater();
  }

  #start(request: PoolRequest, member: Member): void {
    if (request.askedAt !== undefined) {
      this.setting.observer?.onAcquired(member.connection, request.askedAt);
    }
    member.send(request);
  }

  readonly #onRequestEnd = (request: PoolRequest): void => {
    const { member } = request;
    request.member = undefined;
    if (member?.state === 'in-use') this.#use(member);
  };

  #watchWaiting(): void {
    const { acquireTimeout } = this.setting.pool;
    const { oldest } = this.#waiting;
    if (acquireTimeout === 0 || oldest === undefined || this.#acquireTimer !== undefined) return;
    const { loop } = this.time;
    const leftMs = Math.max(oldest.since + acquireTimeout - loop.time, 0);
    this.#acquireTimer = loop.after(leftMs, () => {
      this.#acquireTimer = undefined;
      this.#expireWaiting(loop.time - acquireTimeout);
      this.#watchWaiting();
    });
  }

  #expireWaiting(since: number): void {
    const { databaseId, pool } = this.setting;
    for (let { oldest } = this.#waiting; oldest; { oldest } = this.#waiting) {
      if (oldest.since > since) return;
      this.#waiting.remove(oldest);
      const message = `no connection of the pool became free within ${pool.acquireTimeout} ms`;
      oldest.onError(new AcquireTimeoutError(message, { databaseId }));
    }
  }

  #cleanUpLater(): void {
    const { minimum, cleanupDelay } = this.setting.pool;
    const [longest] = this.#idle;
    if (longest === undefined || this.#members.size <= minimum) return;
    if (this.#cleanupTimer !== undefined) return;
    const { clock } = this.time;
    const leftMs = Math.max(longest.idleSince + cleanupDelay - clock.now(), 0);
    this.#cleanupTimer = clock.after(leftMs, () => {
      this.#cleanupTimer = undefined;
      this.#cleanUp(clock.now() - cleanupDelay);
      this.#cleanUpLater();
    });
  }

  /** Closes members that have been idle since then or longer, down to the minimum. */
  #cleanUp(since: number): void {
    for (const member of [...this.#idle]) {
      if (this.#members.size <= this.setting.pool.minimum || member.idleSince > since) return;
      this.#forget(member);
      member.destroy(new Error('no longer needed'));
    }
  }

  #forget(member: Member): void {
    this.#members.delete(member);
    this.#pastBytes += member.bytesReceived;
    const index = this.#idle.indexOf(member);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  #end(error: Error): void {
    this.#ended = error;
    this.#ready = false;
    this.#reopenTimer?.cancel();
    this.#acquireTimer?.cancel();
    this.#cleanupTimer?.cancel();
    const members = [...this.#members];
    for (const member of members) this.#forget(member);
    for (const member of members) member.destroy(error);
    queueMicrotask(() => {
      for (let request = this.#waiting.shift(); request; request = this.#waiting.shift()) {
        request.onError(error);
      }
    });
  }
}
