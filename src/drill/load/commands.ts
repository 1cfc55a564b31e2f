/** The commands of the test load: each write leaves a token by which its executions can be counted. */
import type { MultiDbClient } from '../../client/node-redis/client-type.js';
import type { Entry, Ledger, Outcome, TokenCommand } from './ledger.js';

/** A command of one caller. */
export interface Operation {
  readonly isWrite: boolean;
  readonly reply: Promise<unknown>;
  /** Its reply is the id of the database that served it. */
  readonly tellsWhere?: boolean;
  /** Called with the outcome that the caller got. Writes only. */
  settle?(outcome: Outcome, step: number): void;
}

/** One of the concurrent callers; it issues one command at a time. */
export interface Caller {
  readonly id: number;
  sequence: number;
}

export interface LoadKeys {
  /** All keys begin with it. */
  readonly prefix: string;
  /** A key that holds the id of the database that it is read from; none where data is replicated. */
  readonly where?: string;
  /** Expiry of keys that are written individually, in seconds. */
  readonly expirySeconds?: number;
}

/** The key that a caller's `command` writes; for SET the prefix of the keys. */
export function keyOf(prefix: string, command: string, caller: number): string {
  return `${prefix}${command.toLowerCase()}:${caller}`;
}

type Make = (client: MultiDbClient, caller: Caller, ledger: Ledger, step: number) => Operation;

/** A mixture of reads and writes under one key prefix. */
export class Load {
  /** A description of the mixture. */
  readonly text: string;
  /** Share of each command in percent. */
  readonly #mix: readonly (readonly [number, string, Make])[];

  constructor(private readonly keys: LoadKeys) {
    const { where, expirySeconds } = keys;
    const key = (command: string, caller: number) => keyOf(keys.prefix, command, caller);
    const previous = ({ id, sequence }: Caller) => `${key('SET', id)}:${id}-${sequence - 1}`;
    const expiration = expirySeconds && ({ type: 'EX', value: expirySeconds } as const);
    this.#mix = [
      where === undefined
        ? [35, 'GET', read((client, caller) => client.get(previous(caller)))]
        : [35, 'GET', read((client) => client.get(where), true)],
      [
        10,
        'HGET',
        read((client, { id, sequence }) => client.hGet(key('HSET', id), `${id}-${sequence - 1}`)),
      ],
      [10, 'LRANGE', read((client, { id }) => client.lRange(key('LPUSH', id), 0, 4))],
      [10, 'EXISTS', read((client, caller) => client.exists(previous(caller)))],
      [5, 'HLEN', read((client, { id }) => client.hLen(key('HSET', id)))],
      [
        8,
        'SET',
        this.#write('SET', (client, at, token) =>
          client.set(`${at}:${token}`, token, expiration ? { expiration } : {}),
        ),
      ],
      [8, 'INCR', this.#increment],
      [5, 'HSET', this.#write('HSET', (client, at, token) => client.hSet(at, token, 1))],
      [5, 'LPUSH', this.#write('LPUSH', (client, at, token) => client.lPush(at, token))],
      [4, 'XADD', this.#write('XADD', (client, at, token) => client.xAdd(at, '*', { token }))],
    ];
    this.text = this.#mix.map(([share, name]) => `${name} ${share} %`).join(', ');
  }

  /** Issues the next command of `caller`: `draw` (0 to 1) chooses which. */
  issue(
    client: MultiDbClient,
    caller: Caller,
    ledger: Ledger,
    step: number,
    draw: number,
  ): Operation {
    caller.sequence += 1;
    let left = draw * 100;
    for (const [share, , make] of this.#mix) {
      left -= share;
      if (left < 0) return make(client, caller, ledger, step);
    }
    return this.#increment(client, caller, ledger, step);
  }

  #write(
    command: TokenCommand,
    run: (client: MultiDbClient, at: string, token: string) => Promise<unknown>,
  ): Make {
    return (client, caller, ledger, step) => {
      const token = `${caller.id}-${caller.sequence}`;
      const entry: Entry = ledger.note(command, token, step);
      return {
        isWrite: true,
        reply: run(client, keyOf(this.keys.prefix, command, caller.id), token),
        settle: (outcome, at) => {
          entry.outcome = outcome;
          entry.step = at;
        },
      };
    };
  }

  readonly #increment: Make = (client, caller, ledger, began) => {
    const counter = ledger.counter(keyOf(this.keys.prefix, 'INCR', caller.id));
    counter.pending += 1;
    return {
      isWrite: true,
      reply: client.incr(counter.key),
      settle: (outcome, step) => {
        counter.pending -= 1;
        if (outcome === 'acknowledged') counter.acknowledged += 1;
        if (outcome === 'unknown') counter.unknown += 1;
        if (outcome === 'unknown' || step !== began) counter.steps.add(step);
      },
    };
  };
}

function read(
  run: (client: MultiDbClient, caller: Caller) => Promise<unknown>,
  tellsWhere = false,
): Make {
  return (client, caller) => ({ isWrite: false, reply: run(client, caller), tellsWhere });
}
