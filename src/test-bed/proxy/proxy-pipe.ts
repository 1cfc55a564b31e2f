/** One direction of one proxied connection: bytes in, faults applied, bytes out in order. */
import type { Socket } from 'node:net';
import { systemClock, type Timer } from '../../clock.js';
import type { DirectionFaults } from './proxy-faults.js';

/** Beyond this the source is paused, as a full socket buffer would. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;
const SLICES_PER_SECOND = 50;
const RST_DELAY_MS = 2;

interface Chunk {
  bytes: Buffer;
  readonly dueAt: number;
}

/** How the source ended, waiting behind its bytes: FIN, or RST, which discards them as a kernel would. */
type Ending = 'open' | 'end' | 'reset';

export interface PipeEnds {
  readonly source: Socket;
  readonly target: Socket;
  /** Resets both sides of the connection. */
  readonly resetAll: () => void;
  /** Lets nothing more pass, in either direction. */
  readonly seal: () => void;
  /** Called with the number of bytes handed to the target socket. */
  readonly delivered: (bytes: number) => void;
}

export class ProxyPipe {
  readonly faults: DirectionFaults;
  readonly #ends: PipeEnds;
  #queue: Chunk[] = [];
  #queuedBytes = 0;
  #ending: Ending = 'open';
  #isDone = false;
  /** Bytes or an ending were dropped: the stream can't go on. */
  #isTorn = false;
  #isBlocked = false;
  #isSealed = false;
  #nextSliceAt = 0;
  #timer: Timer | undefined;
  #accepted = 0;
  #delivered = 0;

  constructor(faults: DirectionFaults, ends: PipeEnds) {
    this.faults = faults;
    this.#ends = ends;
    ends.target.on('drain', () => {
      this.#isBlocked = false;
      this.pump();
    });
  }

  /** Bytes put in so far: the position of the next byte. */
  get acceptedBytes(): number {
    return this.#accepted;
  }

  /** Bytes handed to the target socket so far. */
  get deliveredBytes(): number {
    return this.#delivered;
  }

  push(bytes: Buffer): void {
    if (bytes.length === 0 || this.#isSealed) return;
    this.#accepted += bytes.length;
    if (this.faults.silence === 'drop' || this.#isTorn) {
      this.#isTorn = true;
      return;
    }
    this.#queue.push({ bytes, dueAt: systemClock.now() + this.faults.delayMs });
    this.#queuedBytes += bytes.length;
    this.pump();
    if (this.#queuedBytes > HIGH_WATER_BYTES || this.#isBlocked) this.#ends.source.pause();
  }

  /** The source sent FIN, or RST. */
  finish(ending: 'end' | 'reset'): void {
    if (this.faults.silence === 'drop') this.#isTorn = true;
    this.#ending = ending;
    if (ending === 'reset') {
      this.#queue = [];
      this.#queuedBytes = 0;
    }
    this.pump();
  }

  /** After `restore()`: delivers what was held, or resets the connection if something was dropped. */
  resume(): void {
    if (this.#isTorn) this.#ends.resetAll();
    else this.pump();
  }

  /** Delivers what may be delivered now, and sees to it that the rest follows. */
  pump(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (!this.#isSealed && !this.faults.silence && !this.#isTorn && !this.#isBlocked) {
      const head = this.#queue[0];
      if (!head) break;
      const now = systemClock.now();
      const waitMs = Math.max(head.dueAt, this.faults.bytesPerSecond ? this.#nextSliceAt : 0) - now;
      if (waitMs > 0) {
        this.#timer = systemClock.after(waitMs, () => this.pump(), { keepAlive: true });
        return;
      }
      this.#deliver(this.#take(head, now));
    }
    if (this.#queue.length === 0 && !this.faults.silence && !this.#isTorn) this.#passEnding();
    if (this.#queuedBytes <= HIGH_WATER_BYTES / 2 && !this.#isBlocked) this.#ends.source.resume();
  }

  /** Nothing passes any more. */
  dispose(): void {
    this.#isSealed = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#timer?.cancel();
  }

  #take(head: Chunk, now: number): Buffer {
    const { bytesPerSecond } = this.faults;
    let size = head.bytes.length;
    if (bytesPerSecond) {
      size = Math.min(size, Math.max(1, Math.floor(bytesPerSecond / SLICES_PER_SECOND)));
      this.#nextSliceAt = now + (size * 1000) / bytesPerSecond;
    }
    const taken = head.bytes.subarray(0, size);
    if (size === head.bytes.length) this.#queue.shift();
    else head.bytes = head.bytes.subarray(size);
    this.#queuedBytes -= size;
    return taken;
  }

  #deliver(bytes: Buffer): void {
    const { cut } = this.faults;
    if (!cut || cut.isSpent || bytes.length < cut.remaining) {
      if (cut) cut.remaining -= bytes.length;
      this.#isBlocked = !this.#write(bytes);
      return;
    }
    // Settled before the reset, so that no other connection can be cut by the same fault.
    cut.settle(true);
    this.#ends.seal();
    if (cut.remaining === 0) {
      this.#ends.resetAll();
      return;
    }
    // A reader that finds bytes and RST at once reports FIN (libuv does): it is to read the bytes first.
    const resetLater = () =>
      systemClock.after(RST_DELAY_MS, () => systemClock.afterTurn(this.#ends.resetAll), {
        keepAlive: true,
      });
    this.#write(bytes.subarray(0, cut.remaining), resetLater);
  }

  #write(bytes: Buffer, flushed?: () => void): boolean {
    this.#delivered += bytes.length;
    this.#ends.delivered(bytes.length);
    return this.#ends.target.write(bytes, flushed);
  }

  #passEnding(): void {
    if (this.#ending === 'open' || this.#isDone || this.#isSealed) return;
    this.#isDone = true;
    if (this.#ending === 'end') this.#ends.target.end();
    else this.#ends.resetAll();
  }
}
