/**
 * Time during which the event loop ran. What a look finds beyond a tick and a half was a stall; a
 * client that measures the same with a coarser tick never counts less.
 */
export class LoopTime {
  time = 0;
  #last = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly tickMs = 10) {
    this.#timer = setInterval(() => this.#look(), tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    this.time += Math.min(now - this.#last, this.tickMs * 1.5);
    this.#last = now;
  }
}

/** Keeps the event loop from running. */
export function stall(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
