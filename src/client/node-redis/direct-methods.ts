import { channel } from 'node:diagnostics_channel';
import type { CommandArgument } from '../../core/command-argument.js';
import { define } from '../define.js';
import { isObservingCommands } from '../observed-command.js';
import { ArgumentList } from './argument-list.js';
import type { Internals } from './internals.js';

type Method = (this: DirectClient, ...given: unknown[]) => unknown;

/** Transforms the reply of a command; `undefined` if the caller gets it as it is. */
export type Transform =
  | ((reply: unknown, preserve: unknown, typeMapping: unknown) => unknown)
  | undefined;

/** Sends a command. `preserve` is for `transform`. */
export type SendDirectly = (
  view: Internals,
  args: readonly CommandArgument[],
  transform: Transform,
  preserve: unknown,
) => Promise<unknown>;

/** A command of node-redis. */
interface LibraryCommand {
  parseCommand(parser: unknown, ...given: readonly unknown[]): void;
}

const SEND = Symbol('send');

/** A client that a method is called on, or a view of it. */
interface DirectClient extends Internals {
  readonly _self: DirectClient;
  readonly [SEND]?: SendDirectly;
}

/** Channel on which node-redis publishes every reply. */
const REPLIES = channel('node-redis:command:reply');

/** Per copy: the methods, by the prototype of the class that node-redis made. */
const METHODS = new WeakMap<object, object>();

/**
 * Replaces the methods of node-redis's commands (`get`, `hSet` ...) by methods that hand the arguments
 * to `send`. A method of node-redis is an `async` function that collects the arguments and the keys in
 * two lists; this takes longer than anything else that happens between the call and the socket. Methods
 * of modules, functions and scripts stay as they are.
 *
 * All clients with the same commands share these methods. They are not defined on node-redis's class,
 * which plain clients of the application may use as well.
 */
export function defineDirectMethods(facade: Internals, send: SendDirectly): void {
  const client = facade._self;
  const library = Object.getPrototypeOf(client) as object;
  let methods = METHODS.get(library);
  if (methods === undefined) {
    methods = methodsOver(library);
    METHODS.set(library, methods);
  }
  define(client, { [SEND]: send });
  Object.setPrototypeOf(client, methods);
}

function methodsOver(library: object): object {
  const methods = Object.create(library) as Record<string, Method>;
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(library))) {
    if (!isAsync(value)) continue;
    const direct = new DirectMethod(value);
    methods[name] = function (...given) {
      return direct.call(this, given);
    };
  }
  return methods;
}

/** Those of commands are; a method that an instrumentation has replaced is not. */
function isAsync(value: unknown): value is Method {
  return Object.prototype.toString.call(value) === '[object AsyncFunction]';
}

/** How often a method tries to find out its command: the arguments of a call may be invalid. */
const TRIALS = 3;

/**
 * One method. Its first call shows what node-redis makes of it: the command and the transformation of
 * its reply. node-redis's own method is called instead as long as that is not known, while somebody
 * observes commands, and whenever the arguments can't be collected here.
 */
class DirectMethod {
  #command: LibraryCommand | undefined;
  #transform: Transform;
  #trials = TRIALS;

  constructor(private readonly original: Method) {}

  call(view: DirectClient, given: readonly unknown[]): unknown {
    const send = view._self[SEND];
    if (send === undefined || REPLIES.hasSubscribers || isObservingCommands()) {
      return this.original.apply(view, given as unknown[]);
    }
    const command = this.#command ?? this.#learn(given);
    const list = command && collect(command, given);
    if (list === undefined) return this.original.apply(view, given as unknown[]);
    const { preserve } = list;
    const args = list.take();
    spare = list;
    return send(view, args, this.#transform, preserve);
  }

  /** Has node-redis's method execute its command on an object that only takes note of it. */
  #learn(given: readonly unknown[]): LibraryCommand | undefined {
    if (this.#trials === 0) return undefined;
    this.#trials -= 1;
    const _executeCommand = (
      command: LibraryCommand,
      { redisArgs }: Pick<ArgumentList, 'redisArgs'>,
      _options: unknown,
      transform: Transform,
    ) => {
      const own = collect(command, given)?.redisArgs;
      // HIMPORT has a registry of its own on the client.
      if (own?.length !== redisArgs.length || own[0] === 'HIMPORT') return;
      if (!own.every((value, index) => value === redisArgs[index])) return;
      this.#command = command;
      this.#transform = transform;
    };
    const note = { _self: { _executeCommand }, _commandOptions: undefined };
    Promise.resolve(this.original.apply(note as never, given as unknown[])).catch(() => {});
    return this.#command;
  }
}

/**
 * Per copy: the list of the previous command, for the next one. A new one for each command would be a
 * third of what a call allocates before the command is encoded.
 */
let spare: ArgumentList | undefined;

/** `undefined` if node-redis has to do it: also for invalid arguments, because the error is its own. */
function collect(command: LibraryCommand, given: readonly unknown[]): ArgumentList | undefined {
  const list = spare ?? new ArgumentList();
  // An argument with a method of the application, such as `toString()`, may send a command meanwhile.
  spare = undefined;
  try {
    command.parseCommand(list, ...given);
  } catch {
    return undefined;
  }
  return list;
}
