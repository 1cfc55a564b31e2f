import type { Clock, Timer } from '../clock.js';
import { MAX_TIMER_MS } from '../validation/rules.js';
import { EventHeap } from './heap.js';

interface Event {
  readonly at: number;
  readonly sequence: number;
  /** Undefined once it was cancelled or has fired. */
  callback: (() => void) | undefined;
}

/** The phase of the turn of the simulated event loop. */
type Phase = 'timers' | 'deliveries' | 'check' | 'idle';

/** Number of events at one instant that counts as an endless loop. */
const MAX_EVENTS_AT_ONCE = 100_000;

/** Start of the wall time, 2025-01-01T00:00:00Z, a value that is easy to read in a trace. */
const EPOCH = 1_735_689_600_000;

/**
 * Time that passes only when told to. Simulates one process with its event loop, and the world
 * around it:
 *
 * - timers (`after`) and deliveries (`deliver`: bytes that reach the process) run in the process,
 *   in turns as in Node.js: due timers, then due deliveries, then what waited for a turn
 *   (`afterTurn`); all promise jobs run between any two of them;
 * - what happens elsewhere (`elsewhere`: a server that works, a network that breaks) goes on also
 *   while the process is stalled.
 *
 * Events that cause each other without any time passing are an error after a hundred thousand.
 *
 * Equal times keep the order in which they were scheduled. Scheduling and firing are logarithmic
 * in the number of what is scheduled; one firing costs about half a microsecond of real time.
 */
export class VirtualClock implements Clock {
  #now = 0;
  #sequence = 0;
  #phase: Phase = 'idle';
  #isRunning = false;
  readonly #timers = new EventHeap<Event>();
  readonly #deliveries = new EventHeap<Event>();
  readonly #elsewhere = new EventHeap<Event>();
  #turns: Event[] = [];
  /** Turns that were awaited before the deliveries of the present turn. */
  #dueTurns: Event[] = [];
  #pendingTimers = 0;
  #eventsAtOnce = 0;

  /** Returns the virtual time in milliseconds, from 0. */
  now(): number {
    return this.#now;
  }

  /** Returns the virtual wall-clock time in milliseconds since the epoch. */
  wallTime(): number {
    return EPOCH + this.#now;
  }

  /** Timers and turns that the code under test waits for; 0 once it has ended cleanly. */
  get pendingTimers(): number {
    return this.#pendingTimers;
  }

  /** Calls back once, after `delayMs` of virtual time. */
  after(delayMs: number, callback: () => void): Timer {
    if (!(delayMs >= 0 && delayMs <= MAX_TIMER_MS)) throw new RangeError(`delay of ${delayMs} ms`);
    // Timers of Node.js have a resolution of one millisecond and never fire at once.
    return this.#scheduleTimer(this.#timers, Math.max(1, delayMs), callback);
  }

  /** Calls back after one full turn of the simulated event loop. */
  afterTurn(callback: () => void): Timer {
    return this.#cancellable(this.#event(this.#now, callback), (event) => this.#turns.push(event));
  }

  /** Calls back in the process after `delayMs`; if it is stalled then, after the stall. */
  deliver(delayMs: number, callback: () => void): void {
    this.#deliveries.push(this.#event(this.#now + delayMs, callback));
  }

  /** Calls back outside the process after `delayMs`, whether the process runs or not. */
  elsewhere(delayMs: number, callback: () => void): void {
    this.#elsewhere.push(this.#event(this.#now + delayMs, callback));
  }

  /**
   * Lets `durationMs` pass. Resolves when everything that was due has run, including promise jobs.
   */
  async advance(durationMs: number): Promise<void> {
    const until = this.#now + durationMs;
    await this.#run(() => this.#fireNext(until));
    this.#now = Math.max(this.#now, until);
  }

  /**
   * Blocks the event loop for `durationMs`, as a long computation, a garbage collection or a
   * stopped process does. Returns at the later time: the world has moved on, and nothing has
   * reached the process. Overdue events fire when the clock runs again: timers first, then
   * deliveries. It may be called from anywhere, including a callback.
   */
  block(durationMs: number): void {
    const until = this.#now + durationMs;
    for (;;) {
      const next = this.#elsewhere.peek();
      if (next === undefined || next.at > until) break;
      this.#now = Math.max(this.#now, next.at);
      this.#fire(this.#elsewhere);
    }
    this.#now = Math.max(this.#now, until);
  }

  /** Blocks the event loop and then runs everything that is overdue. */
  async stall(durationMs: number): Promise<void> {
    this.block(durationMs);
    await this.advance(0);
  }

  /** Advances until `condition` holds; rejects when it does not within `limitMs`. */
  async until(condition: () => boolean, limitMs: number, what = 'the condition'): Promise<void> {
    const end = this.#now + limitMs;
    let holds = false;
    await this.#run(() => {
      holds = condition();
      return !holds && this.#fireNext(end);
    });
    if (holds) return;
    this.#now = Math.max(this.#now, end);
    if (!condition()) throw new Error(`${what} did not come within ${limitMs} ms`);
  }

  /**
   * Advances until `promise` has settled, and returns it; rejects when it does not settle within
   * `limitMs`. For calls that need several commands, such as those of a library.
   */
  async settled<T>(promise: PromiseLike<T>, limitMs = 60_000): Promise<T> {
    let isSettled = false;
    const note = () => {
      isSettled = true;
    };
    promise.then(note, note);
    await this.until(() => isSettled, limitMs, 'the result');
    return promise;
  }

  /** Fires the next event. Returns false if none is due by `until`. */
  #fireNext(until: number): boolean {
    for (;;) {
      if (this.#phase === 'idle') {
        const next = this.#nextTime();
        if (next > until) return false;
        if (next > this.#now) {
          this.#now = next;
          this.#eventsAtOnce = 0;
        }
        this.#phase = 'timers';
      }
      this.#eventsAtOnce += 1;
      if (this.#eventsAtOnce > MAX_EVENTS_AT_ONCE) {
        throw new Error(`time stands still at ${this.#now} ms: what happens there never ends`);
      }
      if (this.#fire(this.#elsewhere)) return true;
      switch (this.#phase) {
        case 'timers':
          if (this.#fire(this.#timers)) return true;
          this.#dueTurns = this.#turns;
          this.#turns = [];
          this.#phase = 'deliveries';
          break;
        case 'deliveries':
          if (this.#fire(this.#deliveries)) return true;
          this.#phase = 'check';
          break;
        case 'check': {
          const turn = this.#dueTurns.shift();
          if (turn === undefined) this.#phase = 'idle';
          else if (turn.callback !== undefined) {
            call(turn);
            return true;
          }
        }
      }
    }
  }

  #nextTime(): number {
    if (this.#turns.length > 0) return this.#now;
    dropCancelled(this.#timers);
    return Math.min(
      this.#timers.peek()?.at ?? Number.POSITIVE_INFINITY,
      this.#deliveries.peek()?.at ?? Number.POSITIVE_INFINITY,
      this.#elsewhere.peek()?.at ?? Number.POSITIVE_INFINITY,
    );
  }

  #fire(heap: EventHeap<Event>): boolean {
    dropCancelled(heap);
    const next = heap.peek();
    if (next === undefined || next.at > this.#now) return false;
    heap.pop();
    call(next);
    return true;
  }

  /**
   * Calls `step` until it returns false, and runs all promise jobs after each call: a promise job
   * continues in `process.nextTick`, which Node.js calls only when no promise job is left.
   */
  #run(step: () => boolean): Promise<void> {
    if (this.#isRunning) return Promise.reject(new Error('the clock is running already'));
    this.#isRunning = true;
    return new Promise((resolve, reject) => {
      const next = () => {
        try {
          if (step()) queueMicrotask(schedule);
          else {
            this.#isRunning = false;
            resolve();
          }
        } catch (error) {
          this.#isRunning = false;
          reject(error);
        }
      };
      const schedule = () => process.nextTick(next);
      queueMicrotask(schedule);
    });
  }

  #event(at: number, callback: () => void): Event {
    this.#sequence += 1;
    return { at, sequence: this.#sequence, callback };
  }

  #scheduleTimer(heap: EventHeap<Event>, delayMs: number, callback: () => void): Timer {
    return this.#cancellable(this.#event(this.#now + delayMs, callback), (event) =>
      heap.push(event),
    );
  }

  #cancellable(event: Event, schedule: (event: Event) => void): Timer {
    const { callback } = event;
    this.#pendingTimers += 1;
    event.callback = () => {
      this.#pendingTimers -= 1;
      callback?.();
    };
    schedule(event);
    return {
      cancel: () => {
        if (event.callback === undefined) return;
        event.callback = undefined;
        this.#pendingTimers -= 1;
      },
    };
  }
}

function call(event: Event): void {
  const { callback } = event;
  event.callback = undefined;
  callback?.();
}

function dropCancelled(heap: EventHeap<Event>): void {
  for (let next = heap.peek(); next?.callback === undefined && next !== undefined; ) {
    heap.pop();
    next = heap.peek();
  }
}
