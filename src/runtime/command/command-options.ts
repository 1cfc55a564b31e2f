import type { RetrySafety } from '../../core/command-risk.js';
import type { SendOptions } from '../../drivers/driver.js';
import type { CursorOwner } from './cursor-owner.js';

/** Options of one command. Durations in milliseconds. */
export interface CommandOptions extends SendOptions {
  /** A signal that ends the command while it waits. */
  readonly abortSignal?: AbortSignal | undefined;
  /**
   * Deadline of the whole command, sent or not, up to `commandDeadlineMs`; 0 or absent: that of the
   * options. Of one attempt as well, instead of `commandTimeoutMs`.
   */
  readonly timeout?: number | undefined;
  /** Instead of `commandRetry.safety`. */
  readonly retrySafety?: RetrySafety | undefined;
  /** Instead of the option `iterators`. */
  readonly iterators?: 'throw' | 'restart' | undefined;
  /** The iterator that the command is a page of. @internal */
  readonly pass?: CursorOwner | undefined;
}
