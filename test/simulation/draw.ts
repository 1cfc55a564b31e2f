import type { Random } from '../../src/testing/index.js';

/** Draws from a seeded source. */
export class Draw {
  constructor(readonly random: Random) {}

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** Uniform in [from, to). */
  between(from: number, to: number): number {
    return from + this.random() * (to - from);
  }

  /** An integer in [from, to], both included. */
  integer(from: number, to: number): number {
    return Math.floor(this.between(from, to + 1));
  }

  one<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)]!;
  }
}
