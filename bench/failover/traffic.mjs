// Readers and writers, half and half, and what became of each of their commands.

const BUCKET_MS = 25;

/**
 * Each write adds an element of its own to a list: one that is there twice was executed twice. The
 * answer to a read names the database.
 */
export class Traffic {
  startedAt = 0;
  before = 0;
  /** Successes in each 25 ms since the fault; before it, in those of negative index. */
  buckets = new Map();
  faultAt = Number.POSITIVE_INFINITY;
  /** First success of a command on the database that did not fail. @type {number | undefined} */
  servedAt;
  /** First success of a command that was issued after the fault. @type {number | undefined} */
  recoveredAt;
  readErrors = 0;
  writeErrors = 0;
  pending = 0;
  /** Elements whose write was acknowledged. @type {Set<string>} */
  acknowledged = new Set();
  #next = 0;
  #running = true;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /** @param {any} client */
  constructor(client) {
    this.client = client;
  }

  async #one() {
    const id = this.#next++;
    const isWrite = id % 2 === 1;
    const issuedAt = performance.now();
    this.pending += 1;
    try {
      if (isWrite) {
        await this.client.rPush('log', String(id));
        this.acknowledged.add(String(id));
      } else {
        const who = await this.client.get('who');
        if (who === 'west') this.servedAt ??= performance.now();
      }
      const now = performance.now();
      if (issuedAt >= this.faultAt) this.recoveredAt ??= now;
      const bucket = Math.floor((now - this.faultAt) / BUCKET_MS);
      if (Number.isFinite(bucket)) this.buckets.set(bucket, (this.buckets.get(bucket) ?? 0) + 1);
      else this.before += 1;
    } catch {
      if (isWrite) this.writeErrors += 1;
      else this.readErrors += 1;
    } finally {
      this.pending -= 1;
    }
  }

  /** @param {number} perSecond Infinity: 100 callers, as fast as they can */
  start(perSecond) {
    this.startedAt = performance.now();
    if (perSecond === Number.POSITIVE_INFINITY) {
      for (let caller = 0; caller < 100; caller += 1) void this.#call();
      return;
    }
    let due = 0;
    const tick = () => {
      const wanted = ((performance.now() - this.startedAt) / 1000) * perSecond;
      for (; due < wanted; due += 1) void this.#one();
    };
    this.#timer = setInterval(tick, Math.min(5, 1000 / perSecond));
  }

  async #call() {
    while (this.#running) {
      await this.#one();
      // A failing command settles at once while all are down.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Successes in a bucket at the rate of before the fault. */
  get usual() {
    return (this.before / (this.faultAt - this.startedAt)) * BUCKET_MS;
  }

  /** Milliseconds from the fault until a quarter of a second flows at nine tenths of the usual rate. */
  fullAfter() {
    const window = 10;
    const last = Math.max(0, ...this.buckets.keys());
    for (let first = 0; first + window <= last; first += 1) {
      let sum = 0;
      for (let at = first; at < first + window; at += 1) sum += this.buckets.get(at) ?? 0;
      if (sum >= 0.9 * window * this.usual) return first * BUCKET_MS;
    }
    return Number.NaN;
  }

  async stop() {
    this.#running = false;
    clearInterval(this.#timer);
    while (this.pending > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
