import { isRearranging } from '../../core/classify.js';
import type { CommandArgument } from '../../core/command-argument.js';
import { asksForReplicas, commandTraits } from '../../core/command-category.js';
import { firstKey } from '../../core/command-keys.js';
import { type CommandTraits, mayWrite } from '../../core/command-risk.js';
import { commonSlot } from '../../core/hash-slot.js';
import type { Batch } from '../../drivers/driver.js';
import {
  ClientClosedError,
  ConnectionLostError,
  type MultiDbErrorDetails,
  UnsupportedError,
} from '../../errors.js';
import { commandOptionFlaw } from '../../options/command-options.js';
import { abortError } from '../command/abort-signal.js';
import { limitMs } from '../command/admission.js';
import type { ClientContext } from '../command/client-context.js';
import { Command } from '../command/command.js';
import type { CommandOptions } from '../command/command-options.js';
import type { DataConnection } from '../command/data-connection.js';
import { type Prepared, prepare } from '../command/remembered-commands.js';
import type { Database } from '../database.js';

/** A command that goes over one isolated connection or nowhere. */
export class LeasedCommand extends Command {
  lease!: Lease;
}

/** The owner of the connections, as far as a lease needs it. */
export interface ConnectionOwner {
  /**
   * Takes back the lease's connection, or its place in the queue. `isClean`: the connection may be
   * used again.
   */
  take(lease: Lease, isClean: boolean): void;
}

const BATCH_TRAITS: CommandTraits = Object.freeze({
  category: 'never',
  blockMs: undefined,
  concerns: undefined,
});

type MakeError = (details: MultiDbErrorDetails) => Error;

/**
 * Exclusive use of a connection for some time: first waited for, then held, then over. It belongs
 * to one database; when that is no longer the active one, the lease is aborted.
 */
export class Lease {
  channel: DataConnection | undefined;
  /** The error for every further command. */
  ended: Error | undefined;
  /** Whether the commands sent so far watch any keys. */
  watching = false;
  /** An EXEC has been executed since the last WATCH. */
  committed = false;
  /** The callback of the caller has begun. */
  entered = false;
  /** The first temporary refusal in this attempt, because the deployment is being reorganised. */
  refusal: Error | undefined;
  /** The lease is idle: between two attempts, or about to be given back. */
  parked = false;
  /** Resolves when there is a connection; rejects if the lease is aborted before. */
  readonly ready: Promise<void>;
  /** Rejects when the lease is aborted. */
  readonly aborted: Promise<never>;
  /** An EXEC was written and its outcome is unknown. */
  #isInDoubt = false;
  #watches = 0;
  readonly #refusals = new WeakSet<Error>();
  #database: Database | undefined;
  #slot: ReturnType<typeof commonSlot> | undefined;
  #start: () => void = () => {};
  #abort: (error: Error) => void = () => {};

  constructor(
    private readonly client: ClientContext,
    private readonly owner: ConnectionOwner,
    /** Deadline of everything under the lease, in loop time. */
    readonly deadline: number,
    /** The keys of the transaction; on a cluster they determine the node. */
    private readonly keys: readonly CommandArgument[],
  ) {
    this.aborted = new Promise((_, reject) => {
      this.#abort = reject;
    });
    this.aborted.catch(() => {});
    const started = new Promise<void>((resolve) => {
      this.#start = resolve;
    });
    this.ready = Promise.race([started, this.aborted]);
    this.ready.catch(() => {});
  }

  get database(): Database | undefined {
    return this.#database;
  }

  /** The hash slot of the keys, for a cluster. */
  get slot(): ReturnType<typeof commonSlot> {
    this.#slot ??= commonSlot(this.keys);
    return this.#slot;
  }

  start(channel: DataConnection): void {
    this.channel = channel;
    this.#database = channel.database;
    this.#start();
  }

  /**
   * Whether the error proves that its command was not executed, and another attempt may succeed.
   */
  isRefusal(error: Error): boolean {
    return this.#refusals.has(error);
  }

  /** Begins another attempt; no key is watched and no command is in progress. */
  begin(): void {
    this.parked = false;
    this.committed = false;
    this.entered = false;
    this.refusal = undefined;
  }

  send(
    args: readonly CommandArgument[],
    options?: CommandOptions,
    batch?: Batch,
  ): Promise<unknown> {
    const { client } = this;
    const flaw = options && commandOptionFlaw(options);
    if (flaw !== undefined) return this.refuse(flaw);
    if (options?.abortSignal?.aborted) return this.refuse(abortError(client));
    const commands = batch?.commands ?? [args];
    const elsewhere = this.#elsewhere(commands);
    if (elsewhere !== undefined) return this.refuse(elsewhere);
    if (args[0] === 'WATCH') {
      this.watching = true;
      this.#watches += 1;
    }
    const watches = this.#watches;
    const isWrite =
      args[0] !== 'WATCH' && commands.some((each) => mayWrite(commandTraits(each).category));
    const traits = batch === undefined ? commandTraits(args) : BATCH_TRAITS;
    const { blockMs, concerns } = traits;
    const isPrepared = batch !== undefined || concerns !== undefined;
    if (batch === undefined && asksForReplicas(args) && !this.#hasLastWrite) {
      const message = `${args[0]} counts the writes of its own connection, and the last write went over another connection`;
      return this.refuse(new ConnectionLostError(message, { databaseId: this.database?.id }));
    }
    const { time, tickMs } = client.loop;
    const { channel } = this;
    const { batch: sent, note }: Prepared = isPrepared
      ? prepare(client, args, traits, batch)
      : { batch };
    return new Promise((resolve, reject) => {
      const command: LeasedCommand = new LeasedCommand(
        client.nextSequence(),
        args,
        options,
        sent,
        { category: 'database-bound', blockMs, concerns: undefined },
        Math.min(time + tickMs + limitMs(client, options) + (blockMs ?? 0), this.deadline),
        (reply) => {
          if (isWrite) client.lastWrite = channel;
          this.#note(command, reply, watches);
          note?.(reply);
          resolve(reply);
        },
        (error) => {
          if (isWrite && command.maybeExecuted) client.lastWrite = channel;
          if (batch !== undefined && command.maybeExecuted) this.#isInDoubt = true;
          if (!command.maybeExecuted && isRearranging(error)) {
            this.refusal ??= error as Error;
            this.#refusals.add(error as Error);
          }
          client.rejections.add({ reject }, error);
        },
      );
      command.lease = this;
      command.database = this.database;
      client.admit(command);
    });
  }

  get #hasLastWrite(): boolean {
    const { lastWrite } = this.client;
    return lastWrite === undefined || lastWrite === this.channel;
  }

  refuse(error: Error): Promise<never> {
    return this.client.rejections.reject(error);
  }

  /** Sends a command if the lease is not over. */
  dispatch(command: LeasedCommand): void {
    const { client, channel, ended } = this;
    if (ended !== undefined) client.reject(command, ended);
    else if (channel === undefined) client.reject(command, new ClientClosedError('not started'));
    else client.transmit(command, channel);
  }

  /** Whether the commands of EXEC may have been executed. */
  get maybeExecuted(): boolean {
    return this.committed || this.#isInDoubt || this.isCommitting;
  }

  /** Whether part of a transaction was written and not answered. */
  get isCommitting(): boolean {
    const attempts = this.channel?.attempts() ?? [];
    return attempts.some(
      ({ command, written }) => isBatch(command) && written && !isSettled(command),
    );
  }

  /** Aborts the lease: rejects the commands in progress and ends the connection. Idempotent. */
  abort(make: MakeError): void {
    if (this.ended === undefined) {
      const { maybeExecuted } = this;
      this.ended = make({ maybeExecuted, databaseId: this.database?.id });
    }
    this.#abort(this.ended);
    this.#rejectAll(make);
    this.owner.take(this, false);
  }

  /** Gives the connection back once it is clean; otherwise it is not used again. */
  release(): void {
    this.tidy().then(
      (isClean) => this.give(isClean),
      () => this.give(),
    );
  }

  /** Gives the connection back at once. Idempotent. */
  give(isClean = false): void {
    this.ended ??= new ClientClosedError('the transaction is over');
    // Later attempts on the connection belong to another lease.
    this.channel = undefined;
    this.owner.take(this, isClean);
  }

  /**
   * Resolves to true when no key is watched and no command is in progress; to false if that fails.
   */
  async tidy(): Promise<boolean> {
    this.parked = true;
    const { channel } = this;
    if (channel === undefined || this.ended !== undefined) return false;
    if (!this.watching && channel.isEmpty) return true;
    await this.send(['UNWATCH']);
    return !this.watching && channel.isEmpty && this.ended === undefined;
  }

  /** Returns an error for keys of another slot: on a cluster a connection leads to one node. */
  #elsewhere(commands: readonly (readonly CommandArgument[])[]): UnsupportedError | undefined {
    if (this.#database?.driver.shards === undefined) return undefined;
    for (const args of commands) {
      const key = firstKey(args);
      const keys = args[0] === 'WATCH' ? args.slice(1) : key === undefined ? [] : [key];
      const slot = commonSlot(keys);
      if (slot !== 'none' && slot !== this.slot) return new UnsupportedError(ONE_SLOT);
    }
    return undefined;
  }

  /** `watches`: number of WATCH commands when the command was sent; later ones still hold. */
  #note({ batch, args }: Command, reply: unknown, watches: number): void {
    if (batch?.kind !== 'multi' && args[0] !== 'UNWATCH') return;
    if (watches === this.#watches) this.watching = false;
    if (batch?.kind === 'multi') this.committed ||= reply !== null;
  }

  #rejectAll(make: MakeError): void {
    for (const attempt of this.channel?.attempts() ?? []) {
      const { command } = attempt;
      if (!attempt.takeBack()) attempt.abandon();
      const { maybeExecuted, databaseId } = command;
      this.client.reject(command, make({ maybeExecuted, databaseId }));
    }
  }
}

export const ONE_SLOT =
  'on a cluster all keys of a transaction must be in one hash slot; use a hash tag';

const isBatch = ({ batch }: Command) => batch !== undefined && batch.kind !== 'single';

const isSettled = (command: Command) => command.state === 'settled';
