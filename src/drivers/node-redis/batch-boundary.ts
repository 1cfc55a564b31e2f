/**
 * Whether a batch is partly written on a connection: its first command is, its last is not. What
 * went to the front of node-redis's queue then would be executed inside another caller's MULTI.
 */
export class BatchBoundary {
  isInside = false;

  /** The command at `index` of a batch of `count` has been encoded for the socket, or skipped. */
  note(index: number, count: number): void {
    this.isInside = index < count - 1;
  }
}
