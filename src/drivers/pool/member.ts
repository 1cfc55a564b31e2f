import type { Timer } from '../../clock.js';
import { ownError } from '../../foreign/own-error.js';
import type { ConnectionSettings } from '../connection-settings.js';
import type { Attempt, Connection, ConnectionListener, Lane } from '../driver.js';
import { ServerIdentity } from '../server-identity.js';

/** An attempt that holds a member of the pool. */
export interface MemberAttempt extends Attempt {
  member: Member | undefined;
  /** The engine's. */
  readonly attempt: Attempt;
}

/** Callbacks of a member to its pool. */
export interface MemberListener {
  readonly settings?: ConnectionSettings | undefined;
  onMemberReady(member: Member): void;
  /** Called once, whether it was ready or not; the connection settles its request. */
  onMemberLost(member: Member, error: Error): void;
  onMemberMaintenance(forMs: number): void;
}

/**
 * One connection of a pool: a lane.
 *
 * opening -> idle <-> in-use; any -> ended.
 */
export class Member implements Lane {
  state: 'opening' | 'idle' | 'in-use' | 'ended' = 'opening';
  /** Both monotonic; undefined: it has never been ready. */
  readyAt: number | undefined;
  idleSince = 0;
  readonly connection: Connection;
  readonly #timer: Timer;

  constructor(
    open: (listener: ConnectionListener) => Connection,
    private readonly listener: MemberListener,
    startTimeout: (onTimeout: () => void) => Timer,
  ) {
    this.connection = open({
      settings: listener.settings,
      onReady: () => {
        if (this.state !== 'opening') return;
        this.#timer.cancel();
        this.state = 'idle';
        listener.onMemberReady(this);
      },
      onLost: (error) => this.#lose(error),
      onLaneLost: () => {},
      onMaintenance: (forMs) => {
        if (this.state !== 'ended') listener.onMemberMaintenance(forMs);
      },
    });
    this.#timer = startTimeout(() => {
      if (this.state === 'opening') this.drop(ownError('no further connection in time'));
    });
  }

  get bytesReceived(): number {
    return this.connection.bytesReceived;
  }

  identify(): Promise<string> {
    return this.connection.identify();
  }

  serverIdentity(): ServerIdentity {
    return this.connection.serverIdentity?.() ?? ServerIdentity.unknown();
  }

  send(request: MemberAttempt): void {
    this.state = 'in-use';
    request.member = this;
    request.attempt.onLane?.(this);
    this.connection.send(request);
  }

  /** Returns true if it was not written and never will be; the member is free again. */
  withdraw(request: MemberAttempt): boolean {
    return this.connection.withdraw(request);
  }

  drop(error: Error): void {
    if (this.state === 'ended') return;
    this.#lose(error);
    this.connection.destroy(error);
  }

  /** Without notification. */
  destroy(error: Error): void {
    this.#timer.cancel();
    this.state = 'ended';
    this.connection.destroy(error);
  }

  ref(): void {
    this.connection.ref();
  }

  unref(): void {
    this.connection.unref();
  }

  #lose(error: Error): void {
    if (this.state === 'ended') return;
    this.#timer.cancel();
    this.state = 'ended';
    this.listener.onMemberLost(this, error);
  }
}
