import {
  type FaultProxy,
  type RecordedCommand,
  type Reply,
  RespError,
  RespParser,
} from '../kit/index.js';
import { tokensIn } from './history.js';

/** One sending of an operation that reached the proxy in front of a database. */
export interface Sending {
  readonly database: string;
  readonly connectionId: number;
  /** Whether the bytes of all of it, EXEC included, were handed to the server. */
  readonly forwarded: 'no' | 'partly' | 'yes';
  /** The server's, or the proxy's own; `undefined`: none was seen. */
  readonly reply: Reply | undefined;
  /** Error replies to the commands of a transaction. */
  readonly inner: readonly Reply[];
  /** The server that answered no longer has the data of that time. */
  readonly isDataLost: boolean;
}

type Command = readonly string[];

interface Transaction {
  id: number | undefined;
  readonly inner: Reply[];
}

const isNamed = (command: Command, name: string) => command[0]?.toUpperCase() === name;

/** Sees every command on its way to one database, and every reply as the server gave it. */
export class ProxyWitness {
  readonly #replies = new Map<Command, Buffer>();
  /** Error replies that a proxy on the way wrote to connections. */
  readonly injected = new Set<string>();
  /** Connections up to this number led to a process whose data is gone. */
  #lostUpTo = 0;

  constructor(
    readonly database: string,
    private readonly proxy: FaultProxy,
  ) {
    this.watch();
  }

  /** After `proxy.restore()`, which takes it away with the faults. */
  watch(): void {
    this.proxy.rewriteReplies((reply, command) => {
      if (isNamed(command, 'EXEC') || hasToken(command)) {
        this.#replies.set(command, Buffer.from(reply));
      }
      return undefined;
    });
  }

  /** A reply that the proxy makes up. */
  noteAnswer(command: Command, reply: string): void {
    if (hasToken(command)) this.#replies.set(command, Buffer.from(`${reply}\r\n`));
  }

  /** Somebody in the way writes this to every open connection. */
  noteInjection(text: string): void {
    const error = /^-(.*)\r\n$/.exec(text)?.[1];
    if (error !== undefined) this.injected.add(error);
  }

  /** The data of every process so far is gone. Called while none runs. */
  noteDataLoss(): void {
    this.#lostUpTo = this.proxy.acceptedConnections;
  }

  /** By operation. */
  sendings(): Map<number, Sending[]> {
    const all = new Map<number, Sending[]>();
    const transactions = new Map<number, Transaction>();
    const add = (
      id: number,
      { connectionId, forwarded }: Pick<RecordedCommand, 'connectionId' | 'forwarded'>,
      reply: Reply | undefined,
      inner: readonly Reply[] = [],
    ) => {
      const isDataLost = connectionId <= this.#lostUpTo;
      const { database } = this;
      const list = all.get(id) ?? [];
      list.push({ database, connectionId, forwarded, reply, inner, isDataLost });
      all.set(id, list);
    };
    for (const record of this.proxy.commands) {
      const { args, connectionId } = record;
      const [id] = tokensIn(args.join(' '));
      const reply = this.#reply(args);
      const transaction = transactions.get(connectionId);
      if (isNamed(args, 'MULTI')) transactions.set(connectionId, { id: undefined, inner: [] });
      else if (transaction === undefined) {
        if (id !== undefined) add(id, record, reply);
      } else if (isNamed(args, 'EXEC')) {
        transactions.delete(connectionId);
        if (transaction.id !== undefined) add(transaction.id, record, reply, transaction.inner);
      } else if (id !== undefined) {
        transaction.id = id;
        if (reply instanceof RespError) transaction.inner.push(reply);
      }
    }
    // Begun and never ended: the server discards it.
    for (const [connectionId, { id, inner }] of transactions) {
      if (id !== undefined) add(id, { connectionId, forwarded: 'partly' }, undefined, inner);
    }
    return all;
  }

  #reply(command: Command): Reply | undefined {
    const raw = this.#replies.get(command);
    return raw === undefined ? undefined : new RespParser().push(raw)[0];
  }
}

function hasToken(command: Command): boolean {
  return tokensIn(command.join(' ')).length > 0;
}
