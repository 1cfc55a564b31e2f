import type { MultiDbClient } from 'redis-multidb';
import type { Entry, Ledger, Outcome, TokenCommand } from './ledger.js';
import { WHERE_KEY } from './servers.js';

/** A command of one caller. */
export interface Operation {
  readonly isWrite: boolean;
  readonly reply: Promise<unknown>;
  /** Its reply is the id of the database that served it. */
  readonly tellsWhere?: boolean;
  /** Called with what the caller was told. Writes only. */
  settle?(outcome: Outcome, step: number): void;
}

/** One of the concurrent callers; it issues one command at a time. */
export interface Caller {
  readonly id: number;
  sequence: number;
}

export const key = (command: string, caller: number) => `demo:${command.toLowerCase()}:${caller}`;

type Make = (client: MultiDbClient, caller: Caller, ledger: Ledger, step: number) => Operation;

const read =
  (run: (client: MultiDbClient, caller: Caller) => Promise<unknown>, tellsWhere = false): Make =>
  (client, caller) => ({ isWrite: false, reply: run(client, caller), tellsWhere });

const write =
  (
    command: TokenCommand,
    run: (client: MultiDbClient, at: string, token: string) => Promise<unknown>,
  ): Make =>
  (client, caller, ledger, step) => {
    const token = `${caller.id}-${caller.sequence}`;
    const entry: Entry = ledger.note(command, token, step);
    return {
      isWrite: true,
      reply: run(client, key(command, caller.id), token),
      settle: (outcome, at) => {
        entry.outcome = outcome;
        entry.step = at;
      },
    };
  };

const increment: Make = (client, caller, ledger, began) => {
  const counter = ledger.counter(key('INCR', caller.id));
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

/** Share of each command in the traffic, in percent. */
const MIX: readonly (readonly [number, string, Make])[] = [
  [35, 'GET', read((client) => client.get(WHERE_KEY), true)],
  [
    10,
    'HGET',
    read((client, { id, sequence }) => client.hGet(key('HSET', id), `${id}-${sequence - 1}`)),
  ],
  [10, 'LRANGE', read((client, { id }) => client.lRange(key('LPUSH', id), 0, 4))],
  [
    10,
    'EXISTS',
    read((client, { id, sequence }) => client.exists(`${key('SET', id)}:${id}-${sequence - 1}`)),
  ],
  [5, 'HLEN', read((client, { id }) => client.hLen(key('HSET', id)))],
  [8, 'SET', write('SET', (client, at, token) => client.set(`${at}:${token}`, token))],
  [8, 'INCR', increment],
  [5, 'HSET', write('HSET', (client, at, token) => client.hSet(at, token, 1))],
  [5, 'LPUSH', write('LPUSH', (client, at, token) => client.lPush(at, token))],
  [4, 'XADD', write('XADD', (client, at, token) => client.xAdd(at, '*', { token }))],
];

export const MIX_TEXT = MIX.map(([share, name]) => `${name} ${share} %`).join(', ');

/** Issues the next command of `caller`: `draw` (0 to 1) chooses which. */
export function issue(
  client: MultiDbClient,
  caller: Caller,
  ledger: Ledger,
  step: number,
  draw: number,
): Operation {
  caller.sequence += 1;
  let left = draw * 100;
  for (const [share, , make] of MIX) {
    left -= share;
    if (left < 0) return make(client, caller, ledger, step);
  }
  return increment(client, caller, ledger, step);
}
