import { createClient, WatchError } from '@redis/client';
import type { CommandArgument } from '../../core/command-argument.js';
import type { RetrySafety } from '../../core/command-risk.js';
import { isTimingCommands, operationOf } from '../../diagnostics/command-channel.js';
import { unregisterClient } from '../../drivers/node-redis/library-internals.js';
import { UnsupportedError } from '../../errors.js';
import { checkedOutage, checkedRetrySafety } from '../../options/command-options.js';
import { copyOptions } from '../../options/copy.js';
import type { HedgingOptions } from '../../options/types.js';
import type { CommandOptions } from '../../runtime/command/command-options.js';
import type { CommandTrace } from '../../runtime/command/command-trace.js';
import { openPromise } from '../../runtime/command/open-promise.js';
import { argumentFlaw } from '../argument-flaw.js';
import { define } from '../define.js';
import { batchRefusal } from '../refusals.js';
import { shareListeners } from '../shared-listeners.js';
import { TimedCall } from '../timed-call.js';
import type { TraceSource } from '../traced-call.js';
import {
  commandName,
  isTracingBatches,
  isTracingCommands,
  traceBatch,
  traceCommand,
} from '../tracing.js';
import { cacheOf, cachingMembers } from './cache-members.js';
import type { CacheValidityView } from './cache-store.js';
import { defineDirectMethods, type SendDirectly } from './direct-methods.js';
import { answeringMembers, transforming } from './execute-command.js';
import type { CommandSink, Internals } from './internals.js';
import { patchedLibrary } from './patched-library.js';
import { REFUSED_METHODS, refusal, SYNCHRONOUS } from './unsupported-commands.js';

interface QueuedCommand {
  readonly args: readonly CommandArgument[];
}

/**
 * A node-redis client that never connects. Every command, module and function, every script method,
 * `with...` view and iterator of the library ends in `_self.sendCommand`, and a transaction in
 * `_executeMulti` or `_executePipeline`. The facade replaces these, so it has all methods of the
 * library, including later ones, and the engine only sees raw arguments.
 *
 * `like`: another facade with the same `modules`, `scripts`, `functions` and `RESP`.
 */
export function createFacade(
  client: Record<string, unknown>,
  engine: CommandSink,
  validity?: CacheValidityView,
  like?: object,
): Internals {
  const options = copyOptions(client);
  delete options.url;
  delete options.socket;
  delete options.credentialsProvider;
  options.commandOptions = { timeout: 0, ...(options.commandOptions as object | undefined) };
  options.maintNotifications = 'disabled';
  const cache = cacheOf(options, validity);
  if (cache !== undefined) options.clientSideCache = cache;
  const sink = cache?.guard(engine) ?? engine;
  const facade = newFacade(options, like as Internals | undefined);
  // It is not a connection, and node-redis would keep it forever.
  unregisterClient(facade);
  shareListeners(facade._self);
  const { source = NOBODY } = engine;
  const patched = patchedLibrary(facade, source);

  define(facade._self, {
    // A `function`, because a view calls it with itself as `this` and its options count.
    sendCommand(this: Internals, args: readonly CommandArgument[], given?: CommandOptions) {
      if (patched !== undefined && isCommand(args)) {
        return patched.send(this, args, (trace) => send(this, args, given, trace));
      }
      if (isTracingCommands() && isCommand(args)) {
        return traceCommand((trace) => send(this, args, given, trace), args, facade, source);
      }
      return send(this, args, given);
    },

    async _executeMulti(this: Internals, commands: readonly QueuedCommand[], selected?: number) {
      const reply = await batch(this, 'multi', commands, selected);
      if (reply === null) throw new WatchError();
      return reply;
    },

    _executePipeline(this: Internals, commands: readonly QueuedCommand[], selected?: number) {
      return batch(this, 'pipeline', commands, selected);
    },

    withRetrySafety(this: Internals, retrySafety: RetrySafety) {
      return this.withCommandOptions({ retrySafety: checkedRetrySafety(retrySafety) });
    },

    withOutage(this: Internals, outage: CommandOptions['outage']) {
      return this.withCommandOptions({ outage: checkedOutage(outage) });
    },

    withHedging(this: Internals, hedging: HedgingOptions | false = {}) {
      return this.withCommandOptions({ hedging });
    },

    // All views carry their options flat; version 5 would chain them by prototype.
    _commandOptionsProxy(this: Internals, key: string, value: unknown) {
      return this.withCommandOptions({ [key]: value });
    },

    withCommandOptions(this: Internals, given: object) {
      const view = Object.create(this._self);
      view._commandOptions = { ...this._commandOptions, ...given };
      if ('hedging' in given) view._commandOptions.hedging = engine.hedgingOf?.(given.hedging);
      return view;
    },
  });
  const { answer, call } = sink;
  if (cache !== undefined) define(facade._self, cachingMembers(facade._self, cache));
  else if (answer !== undefined && call !== undefined && patched === undefined) {
    const answerNow = (
      view: Internals,
      args: readonly CommandArgument[],
      given: CommandOptions | undefined,
      trace?: CommandTrace,
    ) => {
      const refused = refusalOf(args);
      if (refused !== undefined) return sink.refuse(refused);
      return answer(args, optionsOf(view, given, trace));
    };
    const members = answeringMembers(facade._self, (view, args, given) => {
      if (isTracingCommands() && isCommand(args)) {
        return traceCommand((trace) => send(view, args, given, trace), args, facade, source);
      }
      const timed = timedCall(args);
      if (timed === undefined) return answerNow(view, args, given);
      return timed.untilAwaited(answerNow(view, args, given, timed));
    });
    define(facade._self, members);
    const sendDirectly: SendDirectly = (view, args, transform, preserve) => {
      if (transform === undefined) return send(view, args, undefined);
      const refused = refusalOf(args);
      if (refused !== undefined) return sink.refuse(refused);
      const { promise, resolve, reject } = openPromise();
      const onReply = transforming(
        (reply) => transform(reply, preserve, view._commandOptions?.typeMapping),
        resolve,
        reject,
      );
      call(args, optionsOf(view, undefined, undefined), onReply, reject);
      return promise;
    };
    // A prefix is added by node-redis's parser.
    if (!options.keyPrefix) defineDirectMethods(facade, sendDirectly);
  }
  for (const [name, why] of Object.entries(REFUSED_METHODS)) {
    const error = () => new UnsupportedError(`${name}: ${why}`);
    define(facade._self, {
      [name]: SYNCHRONOUS.has(name)
        ? () => {
            throw error();
          }
        : () => sink.refuse(error()),
    });
  }
  return facade;

  function timedCall(args: unknown, trace?: CommandTrace): TimedCall | undefined {
    if (!isTimingCommands() || !isCommand(args)) return undefined;
    return new TimedCall(source, commandName(args), trace);
  }

  function send(
    view: Internals,
    args: readonly CommandArgument[],
    given: CommandOptions | undefined,
    trace?: CommandTrace,
  ): Promise<unknown> {
    const timed = timedCall(args, trace);
    const refused = refusalOf(args);
    const sent =
      refused === undefined
        ? sink.send(args, optionsOf(view, given, timed ?? trace))
        : sink.refuse(refused);
    return timed?.until(sent) ?? sent;
  }

  function batch(
    view: Internals,
    kind: 'multi' | 'pipeline',
    commands: readonly QueuedCommand[],
    selected: number | undefined,
  ): Promise<unknown> {
    if (selected !== undefined) {
      return sink.refuse(new UnsupportedError(`select: ${REFUSED_METHODS.select}`));
    }
    const all = commands.map(({ args }) => args);
    const flawed = all.findIndex((args) => !isCommand(args));
    if (flawed >= 0) return sink.refuse(new TypeError(`command ${flawed + 1}: ${A_COMMAND}`));
    for (const [index, args] of all.entries()) {
      const flaw = argumentFlaw(args);
      if (flaw === undefined) continue;
      const name = typeof args[0] === 'string' ? ` (${args[0].slice(0, LONGEST_NAME)})` : '';
      flaw.message = `command ${index + 1}${name}: ${flaw.message}`;
      return sink.refuse(flaw);
    }
    const refused =
      all.map(refusal).find((error) => error !== undefined) ?? batchRefusal(kind, all);
    if (refused !== undefined) return sink.refuse(refused);
    const batchMode = kind === 'multi' ? 'MULTI' : 'PIPELINE';
    const sendAll = (trace?: CommandTrace) => {
      const timed = isTimingCommands()
        ? new TimedCall(source, operationOf(batchMode, all.map(commandName)), trace)
        : undefined;
      const sent = sink.sendBatch(kind, all, optionsOf(view, undefined, timed ?? trace));
      return timed?.until(sent) ?? sent;
    };
    const run = () => {
      if (!isTracingBatches()) return sendAll();
      return traceBatch(sendAll, { batchMode, batchSize: all.length }, all, facade, source);
    };
    return patched === undefined ? run() : patched.sendBatch(kind, all, run);
  }
}

const NOBODY: TraceSource = {
  client: '',
  group: 0,
  place: () => ({ serverAddress: undefined, serverPort: undefined, database: 0 }),
};

/**
 * With `like`, creates a facade with the same modules, scripts and functions within microseconds,
 * because its class is not built again.
 */
function newFacade(options: Record<string, unknown>, like: Internals | undefined): Internals {
  if (like === undefined) return createClient(options as never) as unknown as Internals;
  const { duplicate } = Object.getPrototypeOf(like._self) as { duplicate(options: object): object };
  // Not inherited from the other one's options: they belong to one client.
  const own = { clientSideCache: undefined, emitInvalidate: undefined, ...options };
  return Object.create(duplicate.call(like._self, own)) as Internals;
}

/** In messages. */
const LONGEST_NAME = 40;

const A_COMMAND = 'expected an array that begins with the name of a command';

/**
 * The server does not answer an empty command, so all later replies would go to the wrong callers.
 */
function isCommand(args: unknown): args is readonly CommandArgument[] {
  return Array.isArray(args) && (typeof args[0] === 'string' || Buffer.isBuffer(args[0]));
}

/** Also for commands that a module of the user has encoded. */
function refusalOf(args: unknown): Error | undefined {
  return isCommand(args)
    ? (argumentFlaw(args) ?? refusal(args))
    : new TypeError(`args: ${A_COMMAND}`);
}

function optionsOf(
  view: Internals,
  given: CommandOptions | undefined,
  trace: CommandTrace | undefined,
): CommandOptions | undefined {
  const base = view._commandOptions;
  const merged = given === undefined || given === base ? base : { ...base, ...given };
  return trace === undefined ? merged : { ...merged, trace };
}
