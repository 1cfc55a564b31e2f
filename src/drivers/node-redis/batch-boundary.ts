/**
 * Whether a batch is partly written on a connection: its first command was written and its last was
 * not. A command that went to the front of node-redis's queue at that point would be executed
 * inside another caller's MULTI.
 */
export class BatchBoundary {
  isInside = false;

  /** The command at `index` of a batch of `count` has been encoded for the socket, or skipped. */
  note(index: number, count: number): void {
    this.isInside = index < count - 1;
  }
}
