import type { CommandArgument } from '../core/command-argument.js';
import { COMMANDS, WRITES } from './fake-commands.js';
import { FakeErrorReply } from './fake-errors.js';
import { FakeValues } from './fake-values.js';

/** Commands that a replica without its primary still answers. */
const WITHOUT_DATA = new Set(['PING', 'ECHO']);

/** One EVAL of a fake database. */
export interface FakeScriptCall {
  /** The source of the script. */
  readonly source: string;
  /** KEYS. */
  readonly keys: readonly string[];
  /** ARGV. */
  readonly args: readonly string[];
  /** Runs a command, as `redis.call` does; throws its error reply. */
  call(...command: readonly (string | number)[]): unknown;
}

/** Runs scripts in place of Lua, which a fake database does not have. Returns the reply. */
export type FakeScripts = (call: FakeScriptCall) => unknown;

/** The data of a fake database. */
export class FakeStore {
  readonly #values: FakeValues;
  /** Versions of the keys, for WATCH; failed writes count, too. */
  readonly #versions = new Map<string, number>();
  readonly #now: () => number;

  /** `now`: milliseconds since the epoch. */
  constructor(
    now: () => number,
    private readonly scripts: () => FakeScripts | undefined,
  ) {
    this.#now = now;
    this.#values = new FakeValues(now);
  }

  /** Throws `FakeErrorReply`. */
  execute(args: readonly CommandArgument[]): unknown {
    const [name = '', ...rest] = args.map(String);
    const command = name.toUpperCase();
    if (command === 'EVAL') return this.#evaluate(rest);
    // node-redis then sends the script itself.
    if (command === 'EVALSHA') throw new FakeErrorReply('NOSCRIPT No matching script.');
    const run = COMMANDS[command];
    if (run === undefined) throw new FakeErrorReply(`ERR unknown command '${name}'`);
    if (WRITES.has(command)) {
      for (const key of keysOf(command, rest)) this.#versions.set(key, this.version(key) + 1);
    }
    return run({ values: this.#values, now: this.#now }, rest);
  }

  /** Grows with every write to `key`. */
  version(key: string): number {
    return this.#versions.get(key) ?? 0;
  }

  /** Deletes everything, as a restart without persistence does. */
  clear(): void {
    this.#values.clear();
  }

  #evaluate([source = '', count = '0', ...rest]: readonly string[]): unknown {
    const scripts = this.scripts();
    if (scripts === undefined) {
      throw new FakeErrorReply('ERR a fake database has no Lua: set `scripts` of it');
    }
    return scripts({
      source,
      keys: rest.slice(0, Number(count)),
      args: rest.slice(Number(count)),
      call: (...command) => this.execute(command.map(String)),
    });
  }
}

function keysOf(command: string, args: readonly string[]): readonly string[] {
  if (command === 'MSET') return args.filter((_, index) => index % 2 === 0);
  return command === 'DEL' || command === 'UNLINK' ? args : args.slice(0, 1);
}

/** A state in which a server answers some commands by an error reply instead of executing them. */
export type ServerState = 'LOADING' | 'READONLY' | 'MASTERDOWN' | 'OOM' | 'MISCONF' | 'NOREPLICAS';

const TEXTS: Readonly<Record<ServerState, string>> = {
  LOADING: 'LOADING Redis is loading the dataset in memory',
  READONLY: "READONLY You can't write against a read only replica.",
  MASTERDOWN: "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  OOM: "OOM command not allowed when used memory > 'maxmemory'.",
  MISCONF: 'MISCONF Redis is configured to save RDB snapshots, but is unable to persist on disk.',
  NOREPLICAS: 'NOREPLICAS Not enough good replicas to write.',
};

/** The error reply with which a server in `state` refuses the command, if it does. */
export function refusal(
  state: ServerState,
  args: readonly CommandArgument[],
): FakeErrorReply | undefined {
  const name = String(args[0]).toUpperCase();
  const refuses =
    state === 'LOADING' || (state === 'MASTERDOWN' ? !WITHOUT_DATA.has(name) : WRITES.has(name));
  return refuses ? new FakeErrorReply(TEXTS[state]) : undefined;
}
