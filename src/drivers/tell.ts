import type { CommandArgument } from '../core/command-argument.js';
import type { Attempt } from './driver.js';

/** Sends a command of the engine whose reply nobody waits for; `onError` is called if it fails. */
export function tell(
  connection: { send(attempt: Attempt): void },
  args: readonly CommandArgument[],
  onError: (error: unknown) => void = () => {},
): void {
  connection.send({
    args,
    batch: undefined,
    options: undefined,
    written: false,
    handle: undefined,
    isQuestion: true,
    onReply: () => {},
    onError,
  });
}
