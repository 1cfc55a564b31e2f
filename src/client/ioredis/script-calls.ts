import type { ScriptSources } from '../../runtime/script-sources.js';
import type { IoredisCommand } from './library.js';

type Arguments = readonly (string | Buffer)[];

/**
 * Calls of the scripts of `defineCommand`. The group remembers their sources, so that each is called
 * by its digest (EVALSHA): a connection loads a script ahead of the first call, and again when its
 * server has lost it.
 *
 * A server may permit EVAL and not SCRIPT LOAD. A script that such a server does not know is called
 * by its source (EVAL), as is every script of a transaction until a call by digest has succeeded:
 * a call that fails in the middle of a transaction could not be repeated.
 */
export class ScriptCalls {
  /** The digests of scripts that the active database did not know although they were loaded. */
  readonly #unloadable = new Set<string>();
  /** Whether a call by digest has succeeded on the active database. */
  #areLoadable = false;

  /** `sources`: those of the group, which may be another one after the client was closed. */
  constructor(private readonly sources: () => ScriptSources) {}

  /** Whether the server of the next commands may have other permissions. */
  onSwitch(): void {
    this.#unloadable.clear();
    this.#areLoadable = false;
  }

  /** The arguments of a call outside of transactions. */
  encode(command: IoredisCommand): Arguments {
    const { sha, source } = this.#learn(command);
    const isLoadable = !this.#unloadable.has(sha) && this.sources().knows(sha);
    return call(command, isLoadable ? { sha } : { source });
  }

  /**
   * The arguments of a call in a transaction. `called` has the scripts that the transaction calls
   * before.
   */
  encodeInTransaction(command: IoredisCommand, called: Set<string>): Arguments {
    const { sha, source } = this.#learn(command);
    const isLoadable = this.#areLoadable && !this.#unloadable.has(sha) && this.sources().knows(sha);
    if (isLoadable || called.has(sha)) return call(command, { sha });
    called.add(sha);
    return call(command, { source });
  }

  /** A call by digest outside of transactions was answered. */
  onSuccess({ name }: IoredisCommand): void {
    if (name === 'evalsha') this.#areLoadable = true;
  }

  /** A call by digest was refused although its script was loaded. */
  onMissing({ args }: IoredisCommand): void {
    this.#unloadable.add(String(args[0]));
  }

  /** ioredis shows the source only to whom it takes for a connection that does not know the script. */
  #learn(command: IoredisCommand): { sha: string; source: string } {
    const known = this.#scripts.get(command.constructor);
    if (known !== undefined) {
      // It may have been forgotten.
      if (!this.sources().knows(known.sha)) this.sources().remember(known.source);
      return known;
    }
    const sha = String(command.args[0]);
    command.toWritable({});
    const script = { sha, source: String(command.args[0]) };
    this.#scripts.set(command.constructor, script);
    this.sources().remember(script.source);
    return script;
  }

  /** By the class that ioredis makes for each script. */
  readonly #scripts = new WeakMap<object, { readonly sha: string; readonly source: string }>();
}

/** The name and arguments of the command change as well, because errors show them. */
function call(command: IoredisCommand, by: { sha: string } | { source: string }): Arguments {
  const isByDigest = 'sha' in by;
  command.name = isByDigest ? 'evalsha' : 'eval';
  command.args[0] = isByDigest ? by.sha : by.source;
  return [command.name, ...command.args];
}
