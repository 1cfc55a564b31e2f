import type { CommandArgument } from '../../core/command-argument.js';
import { isMultiDbError } from '../../errors.js';
import { argumentFlaw } from '../argument-flaw.js';
import { isObservingCommands } from '../observed-command.js';
import { LARGE_INTEGERS, SCRIPTS } from './decoding.js';
import { type IoredisClass, type IoredisInstance, isVersion6 } from './library.js';
import { REFUSED_NAMES } from './refused-commands.js';
import { OWN_WAY, PUBLICATIONS } from './send-command.js';
import { VIEW, type ViewOptions } from './view-options.js';

type Method = (this: DirectClient, ...args: unknown[]) => unknown;

/** The client that a method is called on, or a view of it. */
type DirectClient = IoredisInstance & {
  readonly sendCommand: unknown;
  readonly [VIEW]?: ViewOptions;
};

/**
 * The methods of ioredis's commands (`get`, `getBuffer` ...), without a `Command` of ioredis for each
 * call: making one, with its promise and its closures, takes longer than everything else that the
 * client does for a command. A method of ioredis is called instead wherever the difference could be
 * seen: a callback, `keyPrefix`, a replaced method or `sendCommand`, traces, a client that is not
 * connected, and commands that the engine does not simply send.
 */
export function defineDirectMethods(
  target: { readonly sendCommand: unknown },
  Redis: IoredisClass,
): void {
  const { sendCommand } = target;
  const transformers = Redis.Command._transformer;
  const library = Redis.prototype as unknown as Readonly<Record<string, Method | undefined>>;
  if (transformers?.argument === undefined || transformers.reply === undefined) return;

  for (const name of Redis.prototype.getBuiltinCommands()) {
    if (INDIRECT.has(name) || (LARGE_INTEGERS.has(name) && !isVersion6(Redis))) continue;
    for (const [member, kind] of [
      [name, 'text'],
      [`${name}Buffer`, 'buffers'],
    ] as const) {
      const original = library[member];
      if (original === undefined || isOverridden(Redis.prototype, member)) continue;
      Object.defineProperty(target, member, {
        value: methodOf(name, kind, original),
        writable: true,
        configurable: true,
        enumerable: true,
      });
    }
  }

  function methodOf(name: string, kind: 'text' | 'buffers', original: Method): Method {
    // As in `CommandSender`, a failed publication does not end the process.
    const isPublication = PUBLICATIONS.has(name);
    return function (...given) {
      const { options } = this;
      const isOrdinary =
        typeof given[given.length - 1] !== 'function' &&
        this.sendCommand === sendCommand &&
        !options.keyPrefix &&
        !options.showFriendlyErrorStack &&
        !isObservingCommands();
      const view = this[VIEW];
      if (!isOrdinary || view === undefined) return original.apply(this, given);
      const { session, decoding } = view.face;
      const { executor } = session;
      if (executor === undefined || !decoding.isDirect[kind]) return original.apply(this, given);
      const args = encode(name, given);
      if (args === undefined) return original.apply(this, given);
      const transform = transformers?.reply[name];
      if (transform === undefined && !isPublication) return executor.send(args, view[kind]);
      const settled: Promise<unknown> = new Promise((resolve, reject) => {
        const onReply = (reply: unknown) => {
          try {
            const context = { commandName: name, ...decoding.context };
            resolve(transform === undefined ? reply : transform(reply, context));
          } catch (error) {
            reject(error);
          }
        };
        const onError = (error: unknown) => {
          if (isPublication && isMultiDbError(error)) settled.catch(() => {});
          reject(error);
        };
        executor.call(args, view[kind], onReply, onError);
      });
      return settled;
    };
  }

  /** As ioredis encodes them; `undefined` if they can't be sent. */
  function encode(name: string, given: readonly unknown[]): readonly CommandArgument[] | undefined {
    const transform = transformers?.argument[name];
    // iovalkey has records here.
    if (transform !== undefined && typeof transform !== 'function') return undefined;
    const args: CommandArgument[] = [name];
    try {
      const values = transform === undefined ? given : transform(given.flat());
      for (const value of values) {
        if (typeof value === 'string' || value instanceof Buffer) args.push(value);
        else if (Array.isArray(value)) for (const each of value) args.push(textOf(each));
        else args.push(textOf(value));
      }
    } catch {
      return undefined;
    }
    return argumentFlaw(args) === undefined ? args : undefined;
  }
}

/** Whether a subclass of the application, or an instrumentation, has a method in place of the library's. */
function isOverridden(prototype: object, member: string): boolean {
  let owners = 0;
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, member)) owners += 1;
  }
  return owners > 1;
}

function textOf(value: unknown): CommandArgument {
  if (typeof value === 'string' || value instanceof Buffer) return value;
  return value === null || value === undefined ? '' : String(value);
}

/** Commands that are refused, take another way, or whose replies need more than a decoder. */
const INDIRECT: ReadonlySet<string> = new Set([
  ...[...OWN_WAY, ...REFUSED_NAMES].map((name) => (name.split(' ')[0] as string).toLowerCase()),
  ...SCRIPTS,
]);
