/** Callers that go on until they are stopped. */
import { RETRY_SAFETIES } from 'redis-multidb';
import { seededRandom } from 'redis-multidb/testing';
import { Draw } from '../simulation/draw.js';
import type { Caller } from './caller.js';
import type { Kind, Operation } from './history.js';
import { stall } from './loop-time.js';
import type { ChaosSettings } from './settings.js';

const WRITES: readonly Kind[] = [
  ...([
    'incr',
    'incr',
    'lpush',
    'rpush',
    'set-nx',
    'hset',
    'xadd',
    'xadd-id',
    'multi',
    'transaction',
  ] as const),
];
const READS: readonly Kind[] = ['mget', 'lrange', 'hmget'];
/** Few, so that callers meet. */
const TARGETS = 4;

export class Traffic {
  #stopped = false;
  readonly #under: Promise<unknown>[] = [];

  constructor(
    private readonly callers: readonly Caller[],
    private readonly settings: ChaosSettings,
    private readonly seed: number,
    private readonly note: (text: string) => void,
  ) {}

  start(): void {
    const { writers, readers, stallsPerSecond } = this.settings;
    for (let n = 0; n < writers; n += 1)
      this.#go(n, (draw, caller) => this.#write(draw, caller, n));
    for (let n = 0; n < readers; n += 1) {
      this.#go(100 + n, (draw, caller) => caller.issue(draw.one(READS), draw.integer(0, TARGETS)));
    }
    this.#go(200, (draw, caller) => this.#burst(draw, caller), 300);
    this.#go(201, (draw, caller) => this.#abort(draw, caller), 20);
    // A worker, whose commands wait for the end of an outage.
    const own = WRITES.filter((kind) => kind !== 'transaction');
    this.#go(203, (draw, caller) => caller.issue(draw.one(own), 0, { waits: true }), 10);
    if (stallsPerSecond > 0) {
      this.#go(202, async (draw) => this.#stall(draw), 1000 / stallsPerSecond);
    }
  }

  /** No more is issued; what is under way settles or not. */
  stop(): void {
    this.#stopped = true;
  }

  /** Issues many commands at once without awaiting each. */
  issueMany(draw: Draw, caller: Caller, count: number): Promise<Operation[]> {
    const kinds = [...WRITES, ...READS];
    return Promise.all(
      Array.from({ length: count }, () => caller.issue(draw.one(kinds), draw.integer(0, TARGETS))),
    );
  }

  #go(
    stream: number,
    turn: (draw: Draw, caller: Caller) => Promise<unknown>,
    pauseMs = this.settings.pauseMs,
  ): void {
    const draw = new Draw(seededRandom(this.seed * 1009 + stream));
    const run = async () => {
      while (!this.#stopped) {
        await pause(draw.between(0, 2 * pauseMs));
        if (this.#stopped) return;
        await turn(draw, draw.one(this.callers));
      }
    };
    this.#under.push(run());
  }

  async #write(draw: Draw, caller: Caller, writer: number): Promise<void> {
    const safety = draw.chance(0.05) ? draw.one(RETRY_SAFETIES.slice(0, 5)) : undefined;
    const options = safety === undefined ? {} : { safety };
    // A register has one writer, which awaits each: its last acknowledged value must stand.
    if (draw.chance(0.2)) await caller.issue('set', writer, options);
    else await caller.issue(draw.one(WRITES), draw.integer(0, TARGETS), options);
    // Something that fails at once must not become a busy loop.
    await pause(0.5);
  }

  async #burst(draw: Draw, caller: Caller): Promise<void> {
    await this.issueMany(draw, caller, draw.integer(2, this.settings.burst));
  }

  async #abort(draw: Draw, caller: Caller): Promise<void> {
    const abort = new AbortController();
    const issued = caller.issue(draw.one(WRITES), 0, { abortSignal: abort.signal });
    const turns = draw.one([0, 1, 2, 0]);
    for (let n = 0; n < turns; n += 1) await new Promise((resolve) => setImmediate(resolve));
    if (draw.chance(0.3)) await pause(draw.between(0, 100));
    abort.abort();
    await issued;
  }

  #stall(draw: Draw): void {
    const ms = Math.round(draw.between(300, this.settings.longestStallMs));
    this.note(`the event loop is blocked for ${ms} ms`);
    stall(ms);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
