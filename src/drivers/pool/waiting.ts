import type { PoolRequest } from './pool-request.js';

/** Requests that wait for a member, in order of arrival; each operation takes constant time. */
export class WaitingQueue {
  size = 0;
  oldest: PoolRequest | undefined;
  #newest: PoolRequest | undefined;

  push(request: PoolRequest): void {
    request.isWaiting = true;
    request.previous = this.#newest;
    if (this.#newest === undefined) this.oldest = request;
    else this.#newest.next = request;
    this.#newest = request;
    this.size += 1;
  }

  /** False: it does not wait. */
  remove(request: PoolRequest): boolean {
    if (!request.isWaiting) return false;
    request.isWaiting = false;
    if (request.previous === undefined) this.oldest = request.next;
    else request.previous.next = request.next;
    if (request.next === undefined) this.#newest = request.previous;
    else request.next.previous = request.previous;
    request.previous = undefined;
    request.next = undefined;
    this.size -= 1;
    return true;
  }

  shift(): PoolRequest | undefined {
    const { oldest } = this;
    if (oldest !== undefined) this.remove(oldest);
    return oldest;
  }
}
