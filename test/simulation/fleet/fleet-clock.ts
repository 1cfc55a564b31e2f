import type { Clock, Timer } from '../../../src/clock.js';
import { EventHeap } from '../../../src/testing/heap.js';

class Event implements Timer {
  constructor(
    readonly at: number,
    readonly sequence: number,
    /** Undefined once it was cancelled or has fired. */
    public callback: (() => void) | undefined,
  ) {}

  cancel(): void {
    this.callback = undefined;
  }
}

const DONE = Promise.resolve();

/** Start of the wall time, 2025-01-01T00:00:00Z, as on the virtual clock. */
const EPOCH = 1_735_689_600_000;

/**
 * One virtual time for thousands of processes, with one heap of events. Unlike `VirtualClock` it has
 * no stalls, and the number of events at one instant has no limit: ten thousand processes that lose
 * one database have many. All promise jobs run between any two events.
 */
export class FleetClock implements Clock {
  /** Number of events that have fired. */
  events = 0;
  #now = 0;
  #sequence = 0;
  readonly #heap = new EventHeap<Event>();
  /** What waits for a turn of the loop; the second list are those that waited before this turn. */
  #turns: Event[] = [];
  #dueTurns: Event[] = [];
  #nextTurn = 0;

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return EPOCH + this.#now;
  }

  after(delayMs: number, callback: () => void): Timer {
    const event = this.#event(this.#now + Math.max(1, delayMs), callback);
    this.#heap.push(event);
    return event;
  }

  afterTurn(callback: () => void): Timer {
    const event = this.#event(this.#now, callback);
    this.#turns.push(event);
    return event;
  }

  /** Something outside of the processes: a packet that arrives, a fault. */
  at(time: number, callback: () => void): void {
    this.#heap.push(this.#event(Math.max(this.#now, time), callback));
  }

  /** Lets time pass until `until`. */
  run(until: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = () => {
        try {
          if (this.#fireNext(until)) DONE.then(schedule);
          else resolve();
        } catch (error) {
          reject(error);
        }
      };
      // `process.nextTick` continues when no promise job is left.
      const schedule = () => process.nextTick(next);
      DONE.then(schedule);
    });
  }

  #fireNext(until: number): boolean {
    for (;;) {
      const next = this.#heap.peek();
      // Everything that is due now precedes what waits for the end of the turn.
      if (next !== undefined && next.at <= this.#now) {
        this.#heap.pop();
        if (this.#call(next)) return true;
        continue;
      }
      if (this.#nextTurn < this.#dueTurns.length) {
        const turn = this.#dueTurns[this.#nextTurn]!;
        this.#nextTurn += 1;
        if (this.#call(turn)) return true;
        continue;
      }
      this.#nextTurn = 0;
      this.#dueTurns = this.#turns;
      this.#turns = [];
      if (this.#dueTurns.length > 0) continue;
      const at = next?.at ?? Number.POSITIVE_INFINITY;
      this.#now = Math.min(at, until);
      if (at > until) return false;
    }
  }

  #call(event: Event): boolean {
    const { callback } = event;
    if (callback === undefined) return false;
    event.callback = undefined;
    this.events += 1;
    callback();
    return true;
  }

  #event(at: number, callback: () => void): Event {
    this.#sequence += 1;
    return new Event(at, this.#sequence, callback);
  }
}
