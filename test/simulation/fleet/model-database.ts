import type { FleetClock } from './fleet-clock.js';
import type { Measurements } from './measurements.js';

/** What a database can do. A unit is the work of one ordinary command. */
export interface Capacity {
  /** Units per second. */
  readonly unitsPerSecond: number;
  /** Work of accepting one connection: TCP, TLS, AUTH, HELLO. */
  readonly connectionUnits: number;
  /** Length of the queue, in milliseconds of work, beyond which the database drops. */
  readonly dropAfterMs: number;
}

/** What a server does with something that arrives. */
export type Arrival = 'queued' | 'dropped' | 'refused' | 'lost';

/**
 * A server with one queue. What arrives is served in order of arrival, at the rate of the capacity: up
 * to that rate at once, beyond it later and later. Once the queue is longer than `dropAfterMs`, the
 * server drops: it resets a connection over which a command arrives, and does not answer a new one,
 * whose packet is sent again. Work for callers that have given up is done all the same.
 */
export class ModelDatabase {
  /** New connections are refused, and open ones were reset. */
  isDown = false;
  /** Nothing arrives, and nothing is sent. */
  isSilent = false;
  /** Factor of the capacity while the server is slow. */
  speed = 1;
  readonly connections = new Set<{ cut(): void }>();
  /** Time at which everything that has arrived is served. */
  #servedAt = 0;

  constructor(
    readonly id: string,
    readonly capacity: Capacity,
    private readonly clock: FleetClock,
    private readonly measurements: Measurements,
  ) {}

  /** Length of the queue in milliseconds. */
  get queueMs(): number {
    return Math.max(0, this.#servedAt - this.clock.now());
  }

  get isFull(): boolean {
    return this.queueMs > this.capacity.dropAfterMs;
  }

  /** Serves `units` of work after everything that has arrived before; `onServed` follows. */
  serve(units: number, onServed: () => void): void {
    const { clock } = this;
    const workMs = (units * 1000) / (this.capacity.unitsPerSecond * this.speed);
    this.#servedAt = Math.max(this.#servedAt, clock.now()) + workMs;
    this.measurements.onWork(this.id, units, this.queueMs);
    clock.at(this.#servedAt, onServed);
  }

  /** The process ends: connections are reset, and the queue is lost. */
  crash(): void {
    this.isDown = true;
    this.#servedAt = 0;
    for (const connection of [...this.connections]) connection.cut();
  }

  heal(): void {
    this.isDown = false;
    this.isSilent = false;
    this.speed = 1;
  }
}
