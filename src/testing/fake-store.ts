import type { CommandArgument } from '../core/command-argument.js';
import { FakeErrorReply } from './fake-errors.js';

type Value = string | string[];

const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_A_NUMBER = 'ERR value is not an integer or out of range';

/** Commands that change data; a read-only or full server refuses them. */
const WRITES = new Set(['SET', 'DEL', 'INCR', 'LPUSH']);
/** Commands that a replica without its primary still answers. */
const WITHOUT_DATA = new Set(['PING', 'ECHO']);

/** The data of a fake database, with enough commands to see which were executed and how often. */
export class FakeStore {
  readonly #values = new Map<string, Value>();
  /** Versions of the keys, for WATCH; failed writes count, too. */
  readonly #versions = new Map<string, number>();

  /** Throws `FakeErrorReply`. Knows PING, ECHO, GET, SET, DEL, INCR, LPUSH, LLEN, SCAN and HSCAN. */
  execute(args: readonly CommandArgument[]): unknown {
    const [name = '', key = '', value = ''] = args.map(String);
    if (WRITES.has(name.toUpperCase())) this.#versions.set(key, this.version(key) + 1);
    switch (name.toUpperCase()) {
      case 'PING':
        return 'PONG';
      case 'ECHO':
        return key;
      case 'GET':
        return this.#string(key) ?? null;
      case 'SET':
        this.#values.set(key, value);
        return 'OK';
      case 'DEL':
        return this.#values.delete(key) ? 1 : 0;
      case 'INCR': {
        const number = Number(this.#string(key) ?? 0) + 1;
        if (!Number.isSafeInteger(number)) throw new FakeErrorReply(NOT_A_NUMBER);
        this.#values.set(key, String(number));
        return number;
      }
      case 'LPUSH': {
        const list = this.#list(key);
        list.unshift(value);
        this.#values.set(key, list);
        return list.length;
      }
      case 'LLEN':
        return this.#list(key).length;
      case 'SCAN':
      case 'HSCAN':
        return ['0', []];
      default:
        throw new FakeErrorReply(`ERR unknown command '${name}'`);
    }
  }

  /** Grows with every write to `key`. */
  version(key: string): number {
    return this.#versions.get(key) ?? 0;
  }

  /** Deletes everything, as a restart without persistence does. */
  clear(): void {
    this.#values.clear();
  }

  #string(key: string): string | undefined {
    const value = this.#values.get(key);
    if (typeof value === 'object') throw new FakeErrorReply(WRONG_TYPE);
    return value;
  }

  #list(key: string): string[] {
    const value = this.#values.get(key) ?? [];
    if (typeof value === 'string') throw new FakeErrorReply(WRONG_TYPE);
    return value;
  }
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
