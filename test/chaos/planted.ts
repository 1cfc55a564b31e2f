/** Clients with one thing wrong each, for the tests of the checker. */
import type { MultiDbClient } from 'redis-multidb';
import type { Operation } from './history.js';
import type { ViolationKind } from './judge.js';
import type { Perform } from './perform.js';

/** One operation in this many has it wrong. */
const SHARE = 20;

type Wrong = (
  call: () => Promise<unknown>,
  operation: Operation,
  client: MultiDbClient,
) => Promise<unknown>;

export interface Plant {
  readonly name: string;
  readonly caughtAs: ViolationKind;
  readonly plant: (perform: Perform) => Perform;
  /** Whether operations went wrong already; several, because one that failed shows nothing. */
  readonly hasHappened: () => boolean;
}

function plant(
  name: string,
  caughtAs: ViolationKind,
  applies: (operation: Operation) => boolean,
  wrong: Wrong,
): Plant {
  let seen = 0;
  return {
    name,
    caughtAs,
    hasHappened: () => seen >= 4 * SHARE,
    plant: (perform) => {
      seen = 0;
      return (client, operation) => {
        const call = () => perform(client, operation);
        if (!applies(operation)) return call();
        seen += 1;
        return seen % SHARE === 0 ? wrong(call, operation, client) : call();
      };
    },
  };
}

const isWrite = ({ isRead, kind }: Operation) => !isRead && kind !== 'set-nx';
const accumulates = ({ kind }: Operation) => ['incr', 'lpush', 'rpush', 'xadd'].includes(kind);
const isKind =
  (wanted: string) =>
  ({ kind }: Operation) =>
    kind === wanted;

class PlantedError extends Error {
  readonly code = 'CONNECTION_LOST';

  constructor(readonly maybeExecuted: boolean) {
    super('planted');
  }
}

export const PLANTS: readonly Plant[] = [
  plant('repeats a write', 'repeated', accumulates, async (call) => {
    await call();
    return call();
  }),
  plant('repeats a transaction', 'repeated', isKind('multi'), async (call) => {
    await call();
    return call();
  }),
  plant('acknowledges what it never sends', 'wrong-reply', isWrite, async () => 1),
  plant('drops a reply', 'unsettled', isWrite, async (call) => {
    await call();
    return new Promise(() => {});
  }),
  plant(
    'leaves a promise open',
    'unsettled',
    () => true,
    () => new Promise(() => {}),
  ),
  plant(
    'answers after the deadline',
    'unsettled',
    () => true,
    async (call, { deadlineMs }) => {
      const reply = await call();
      await new Promise((resolve) => setTimeout(resolve, 2 * deadlineMs + 500));
      return reply;
    },
  ),
  plant('denies an execution', 'denied', isWrite, async (call) => {
    await call();
    throw new PlantedError(false);
  }),
  plant('doubts what it never sent', 'doubted', isWrite, async () => {
    throw new PlantedError(true);
  }),
  plant('sends what it gave up', 'late', isWrite, async (call) => {
    setTimeout(() => call().catch(() => {}), 20);
    throw new PlantedError(true);
  }),
  plant('answers a read with what another got', 'wrong-reply', isKind('mget'), async (call) => {
    await call();
    return ['t999999~', null];
  }),
  plant('gives a wrong place in a list', 'wrong-reply', isKind('rpush'), async (call) => {
    return Number(await call()) + 1;
  }),
  plant('rejects with an error that nobody knows', 'wrong-reply', isWrite, async () => {
    throw new Error('Socket closed unexpectedly');
  }),
  plant('sends half of a transaction', 'torn', isKind('multi'), async (_, { id }, client) => {
    const key = `m:{t${id}~}`;
    return client.multi().incr(`${key}:n`).set(`${key}:s`, `t${id}~`).exec();
  }),
  plant(
    'repeats a transaction on another connection',
    'repeated',
    isKind('transaction'),
    async (call) => {
      await call();
      return call();
    },
  ),
  plant('denies that a transaction was executed', 'denied', isKind('transaction'), async (call) => {
    await call();
    throw new PlantedError(false);
  }),
  plant('sends a transaction that it gave up', 'late', isKind('multi'), async (call) => {
    setTimeout(() => call().catch(() => {}), 20);
    throw new PlantedError(true);
  }),
  plant(
    'answers a transaction with what another got',
    'wrong-reply',
    isKind('transaction'),
    async (call) => {
      await call();
      return [2, 2, 'OK'];
    },
  ),
  plant('rejects with what the library threw', 'wrong-reply', isWrite, async (call) => {
    await call();
    throw new TypeError("Cannot read properties of undefined (reading 'resolve')");
  }),
  plant('tells of a refusal that no server gave', 'wrong-reply', isKind('hmget'), async () => {
    throw new Error("READONLY You can't write against a read only replica.");
  }),
  plant('leaves a rejection to nobody', 'unhandled-rejection', isWrite, async (call) => {
    void Promise.reject(new Error('planted'));
    return call();
  }),
];
