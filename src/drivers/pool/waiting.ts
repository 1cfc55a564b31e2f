import type { Lease } from './pool-request.js';

/** What waits for a member, in order of arrival; each operation takes constant time. */
export class WaitingQueue {
  size = 0;
  oldest: Lease | undefined;
  #newest: Lease | undefined;

  push(lease: Lease): void {
    lease.isWaiting = true;
    lease.previous = this.#newest;
    if (this.#newest === undefined) this.oldest = lease;
    else this.#newest.next = lease;
    this.#newest = lease;
    this.size += 1;
  }

  /** False: it does not wait. */
  remove(lease: Lease): boolean {
    if (!lease.isWaiting) return false;
    lease.isWaiting = false;
    if (lease.previous === undefined) this.oldest = lease.next;
    else lease.previous.next = lease.next;
    if (lease.next === undefined) this.#newest = lease.previous;
    else lease.next.previous = lease.previous;
    lease.previous = undefined;
    lease.next = undefined;
    this.size -= 1;
    return true;
  }

  shift(): Lease | undefined {
    const { oldest } = this;
    if (oldest !== undefined) this.remove(oldest);
    return oldest;
  }
}
