import { isMultiDbError } from '../../errors.js';
import type { CommandOptions } from '../../runtime/command/command-options.js';
import { CursorOwner } from '../../runtime/command/cursor-owner.js';
import type { IoredisClass, IoredisCommand, IoredisScanStream } from './library.js';

type Callback = (error: unknown, reply?: unknown) => void;

/**
 * Makes each page of a scan stream know the origin of its cursor. A stream that a switch interrupts
 * emits `error` with `DatabaseSwitchedError`, or starts again on the new database (option
 * `iterators`): SCAN may return an element several times anyway, and an element that is present all
 * the time is returned at least once in the last pass.
 */
export function attachPages(
  stream: IoredisScanStream,
  Command: IoredisClass['Command'],
  { keyPrefix }: Record<string, unknown>,
  { iterators }: { readonly iterators: 'throw' | 'restart' },
  send: (page: IoredisCommand, options: CommandOptions) => Promise<unknown>,
): void {
  const { command } = stream.opt;
  const isBuffer = command.endsWith('Buffer');
  const name = isBuffer ? command.slice(0, -'Buffer'.length) : command;
  const cursorAt = name === 'scan' ? 0 : 1;
  let pass = new CursorOwner();

  const fetch = (args: unknown[], callback: Callback): void => {
    const options = { keyPrefix, replyEncoding: isBuffer ? null : 'utf8' };
    const page = new Command(name, args, options, (error, reply) => {
      const isSwitch = isMultiDbError(error) && error.code === 'DATABASE_SWITCHED';
      if (!isSwitch || iterators !== 'restart') {
        callback(error, reply);
        return;
      }
      pass = new CursorOwner();
      const again = [...args];
      again[cursorAt] = '0';
      fetch(again, callback);
    });
    // Its callback handles the error.
    send(page, { pass }).catch(() => {});
  };
  stream.opt.redis = { [command]: fetch };
}
