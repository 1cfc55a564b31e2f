import type { RetrySafety } from '../../core/command-risk.js';
import type { HedgingSettings } from '../../core/hedging-settings.js';
import type { SendOptions } from '../../drivers/driver.js';
import type { CommandTrace } from './command-trace.js';
import type { CursorOwner } from './cursor-owner.js';

/** What a command does while no database can serve: it rejects at once, or waits until one serves. */
export type OutagePolicy = 'reject' | 'wait';

/** Options of one command. Durations in milliseconds. */
export interface CommandOptions extends SendOptions {
  /** A signal that ends the command while it waits. */
  readonly abortSignal?: AbortSignal | undefined;
  /**
   * Deadline of the whole command, sent or not, up to `commandDeadlineMs`. It also applies to each
   * attempt, instead of `commandTimeoutMs`. 0 or absent: the deadlines of the client's options.
   */
  readonly timeout?: number | undefined;
  /** Overrides `commandRetry.safety`. */
  readonly retrySafety?: RetrySafety | undefined;
  /**
   * What happens while no database can serve: `reject` (default) rejects the command at once, `wait`
   * keeps it until one serves. The wait does not count towards `commandDeadlineMs`; `timeout` limits it.
   */
  readonly outage?: OutagePolicy | undefined;
  /** Overrides the option `iterators`. */
  readonly iterators?: 'throw' | 'restart' | undefined;
  /** Overrides the option `hedging`; `false`: off. */
  readonly hedging?: HedgingSettings | false | undefined;
  /** The iterator that the command fetches a page for. @internal */
  readonly pass?: CursorOwner | undefined;
  /** Observes the attempts. @internal */
  readonly trace?: CommandTrace | undefined;
}
