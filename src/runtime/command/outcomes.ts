import { classify, isMissingScript, isRedirection } from '../../core/classify.js';
import { upperCase } from '../../core/command-arguments.js';
import { mayWrite } from '../../core/command-risk.js';
import { decideRetry } from '../../core/retry.js';
import type { Batch, Lane } from '../../drivers/driver.js';
import { AcquireTimeoutError, ConnectionLostError, isMultiDbError } from '../../errors.js';
import { isError } from '../../is-error.js';
import type { ScriptCall } from '../script-sources.js';
import type { BlockingCommands } from './blocking-commands.js';
import { noteDuration, noteTimeout } from './call-durations.js';
import type { ClientContext } from './client-context.js';
import type { DataConnections } from './data-connections.js';
import { switched } from './database-binding.js';
import { waitsInOutage } from './outage-waits.js';
import { retry } from './retrying.js';
import type { AttemptListener, SentAttempt } from './sent-attempt.js';

const OTHER_SERVER = 'but another server serves it now, or the server has restarted';

/**
 * Judges how attempts end: counts them in the circuit breaker of the active database, reports
 * suspicion, and settles or retries the command. Attempts under an earlier route are not counted.
 */
export class Outcomes implements AttemptListener {
  constructor(
    private readonly client: ClientContext,
    private readonly connections: DataConnections,
    private readonly blocking: BlockingCommands,
  ) {}

  onAttemptReply(attempt: SentAttempt, reply: unknown): void {
    if (attempt.channel.database.slowCalls !== undefined) noteDuration(this.client, attempt);
    if (!attempt.end()) return;
    try {
      this.#take(attempt, reply);
    } catch (error) {
      // The attempt has ended, so nothing else would settle the command.
      this.client.reject(attempt.command, error);
    }
    const { channel } = attempt;
    if (channel.draining) this.connections.finishDraining(channel);
  }

  #take(attempt: SentAttempt, reply: unknown): void {
    const { channel, command } = attempt;
    if (command.state !== 'settled') command.options?.trace?.ended(attempt);
    if (attempt.generation === this.client.coordinator.route.generation) {
      channel.database.circuit.recordSuccess(this.client.loop.now);
    }
    if (command.batch?.kind === 'multi') this.#lookInside(attempt, reply);
    if (Array.isArray(reply) && reply.length === 2 && command.state !== 'settled') {
      const isValid = this.client.cursors.note(attempt, reply);
      if (!isValid) this.client.reject(command, switched(command, OTHER_SERVER));
    }
    if (mayWrite(command.traits.category)) this.client.lastWrite = channel;
    let goesOn = false;
    if (command.traits.blockMs !== undefined) {
      attempt.lane.blockEndedAt = this.client.loop.time;
      goesOn = this.blocking.goesOn(attempt, reply);
    }
    if (!goesOn) {
      if (command.state !== 'settled') channel.database.counters.succeeded += 1;
      this.client.resolve(command, reply);
    }
  }

  onAttemptError(attempt: SentAttempt, error: unknown): void {
    const { channel, command } = attempt;
    if (!attempt.end()) return;
    if (command.state !== 'settled') command.options?.trace?.ended(attempt, { error });
    const driverKind = channel.database.driver.classify(error);
    if (driverKind === 'reply') noteDuration(this.client, attempt);
    const classification = classify(error, {
      driverKind,
      written: attempt.written,
      proxyErrors: this.client.coordinator.runtime.options.proxyErrors,
      // An error of one command says nothing about the other commands of its pipeline.
      insideResult: command.batch?.kind === 'pipeline',
      commandName: command.batch?.kind === 'multi' ? 'EXEC' : upperCase(command.args[0]),
    });
    const { kind, executed, stateWord } = classification;
    if (executed !== 'no') {
      command.maybeExecuted = true;
      if (mayWrite(command.traits.category)) this.client.lastWrite = channel;
    }

    if (kind === 'application-reply' && isRedirection(error)) {
      this.client.coordinator.health.onRedirected(channel.database);
    }
    const isCurrent = attempt.generation === this.client.coordinator.route.generation;
    const isReplica = stateWord === 'READONLY' && channel.database.mayBeReadOnly;
    const counts = classification.countsAsFailure && !isReplica;
    if (isCurrent) this.#feed(attempt, error, counts, executed === 'yes');
    if (stateWord !== undefined) {
      this.client.coordinator.health.suspect(channel.database, { stateWord });
    }
    if (this.#wasMissing(command.batch, error)) {
      // It was no attempt: the script is loaded first now.
      command.attempts -= 1;
      this.client.resend([command]);
      if (channel.draining) this.connections.finishDraining(channel);
      return;
    }
    // A listener of the event may have destroyed the client.
    if (!this.client.isAlive) this.client.rejectClosed(command);
    if (command.state !== 'settled') {
      const { includedErrors } = this.client.coordinator.runtime.options.commandRetry;
      if (kind === 'application-reply' && includedErrors === undefined) {
        this.client.reject(command, error, kind);
      } else if (command.outstanding === 0 && command.state === 'sent') {
        command.lastError = error;
        if (kind === 'never-sent' && this.#isGone(attempt)) {
          // The connection was lost before the command was sent: it was no attempt.
          command.attempts -= 1;
          this.client.resend([command]);
        } else this.#repeatOrFail(attempt, error, classification);
      }
    }
    if (channel.draining) this.connections.finishDraining(channel);
  }

  /** The timeout of an attempt, and its block time, begin when it is assigned to a lane. */
  onAttemptLane(attempt: SentAttempt, lane: Lane | undefined): void {
    if (!attempt.listed) return;
    attempt.channel.move(attempt, lane, this.client.loop.time);
    if (lane !== undefined) {
      attempt.lane.learnId();
      if (attempt.command.traits.blockMs !== undefined) void attempt.lane.server;
    }
    if (attempt.command.traits.category === 'database-bound') this.client.cursors.prepare(attempt);
  }

  /**
   * Whether the server did not know the script of a command, although it was loaded. Such a command is
   * sent again once, whatever its category.
   */
  #wasMissing(batch: Batch | undefined, error: unknown): boolean {
    if (batch?.scripts === undefined || !isMissingScript(error)) return false;
    this.client.scripts.onMissing(batch.scripts);
    if (batch.kind !== 'single') return false;
    const call = batch as ScriptCall;
    if (call.wasMissing) return false;
    call.wasMissing = true;
    return true;
  }

  /** A reply of EXEC that reports a server state starts a round of probes. */
  #lookInside(attempt: SentAttempt, replies: unknown): void {
    const { database } = attempt.channel;
    for (const reply of Array.isArray(replies) ? replies : []) {
      if (!(reply instanceof Error)) continue;
      this.#wasMissing(attempt.batch, reply);
      const { stateWord } = classify(reply, {
        driverKind: 'reply',
        written: true,
        insideResult: true,
        commandName: 'EXEC',
      });
      if (stateWord !== undefined) this.client.coordinator.health.suspect(database, { stateWord });
    }
  }

  #feed(attempt: SentAttempt, error: unknown, counts: boolean, answered: boolean): void {
    const { database } = attempt.channel;
    if (!this.#isEvidence(attempt, error)) return;
    if (isTimeout(error)) noteTimeout(this.client, attempt);
    const { includedErrors, ignoredErrors } = database.options.failureDetector;
    const { now } = this.client.loop;
    const failed = asError(error);
    const isFailure = (includedErrors?.(failed) ?? counts) && !(ignoredErrors?.(failed) ?? false);
    if (isFailure) {
      const opened = database.circuit.recordFailure(now, failed);
      if (opened !== undefined) this.client.coordinator.health.onBreakerOpened(database);
    } else if (answered) database.circuit.recordSuccess(now);
  }

  /** Whether the outcome is evidence about the database that has not been counted yet. */
  #isEvidence(attempt: SentAttempt, error: unknown): boolean {
    const { channel, command } = attempt;
    if (isTimeout(error)) {
      if (attempt.lane.isBlocked(attempt)) return false;
      const { suspectAfterMs } = this.client.coordinator.runtime.options;
      return command.traits.blockMs === undefined && attempt.hadItsTime(suspectAfterMs);
    }
    if (!this.#isGone(attempt) || channel.database.driver.classify(error) === 'reply') return true;
    return this.#isFirstOfLoss(attempt);
  }

  /**
   * A lost connection is one failure, however many commands were in flight. Lanes that are lost
   * together also count once: an event that cuts all connections of a pool is a single failure.
   */
  #isFirstOfLoss({ channel, lane }: SentAttempt): boolean {
    const { time } = this.client.loop;
    const { suspectAfterMs } = this.client.coordinator.runtime.options;
    const isFirst =
      !channel.lossCounted || (lane.lost && time >= channel.lossCountedAt + suspectAfterMs);
    channel.lossCounted = true;
    if (isFirst) channel.lossCountedAt = time;
    return isFirst;
  }

  #repeatOrFail(
    attempt: SentAttempt,
    error: unknown,
    classification: ReturnType<typeof classify>,
  ): void {
    const { command, channel } = attempt;
    const { coordinator } = this.client;
    const { commandRetry, fallbackErrors } = coordinator.runtime.options;
    const failed = asError(error);
    const decision = decideRetry({
      classification,
      category: command.traits.category,
      safety: command.options?.retrySafety ?? commandRetry.safety,
      attempt: command.attempts,
      maxAttempts: commandRetry.maxAttempts,
      included: commandRetry.includedErrors?.(failed),
      ignored: commandRetry.ignoredErrors?.(failed) ?? false,
    });
    const isRepeat = classification.kind !== 'never-sent';
    if (decision === 'retry' && (!isRepeat || this.client.takeFromBudget(command))) {
      retry(this.client, command);
      return;
    }
    const isDown = coordinator.route.state === 'down';
    if (
      this.#wasBlocking(attempt, failed) &&
      (!isDown || waitsInOutage(this.client, command.options))
    ) {
      const hasMoved = coordinator.route.database !== channel.database;
      const isElsewhere = hasMoved && coordinator.route.database !== undefined;
      if (isDown || isElsewhere) this.client.resend([command]);
      else this.blocking.hold(attempt);
      return;
    }
    const outlived = classification.kind === 'unknown-outcome';
    const leadsToFailover = fallbackErrors === undefined ? outlived : fallbackErrors(failed);
    if (leadsToFailover) {
      // A live connection is kept: a changed password would refuse a new one.
      coordinator.health.suspect(channel.database, { fresh: this.#isGone(attempt) });
    }
    const told = outlived ? this.#unknownOutcome(attempt, failed) : this.#withDoubt(attempt, error);
    if (this.client.hedging?.defers(command, told, classification.kind)) return;
    this.client.reject(command, told, classification.kind);
  }

  /** Whether the attempt's lane was lost, or its connection is no longer that of its link. */
  #isGone({ channel, lane }: SentAttempt): boolean {
    return lane.lost || this.connections.channels.get(channel.link) !== channel;
  }

  /**
   * Adds that the command may have been executed: a refusal of the last attempt says nothing about
   * an earlier one.
   */
  #withDoubt({ command }: SentAttempt, error: unknown): unknown {
    const { databaseId } = command;
    if (!command.maybeExecuted || !isError(error)) return error;
    if (error instanceof AcquireTimeoutError) {
      return new AcquireTimeoutError(error.message, { databaseId, maybeExecuted: true });
    }
    if ('maybeExecuted' in error) return error;
    return Object.assign(error, { maybeExecuted: true, databaseId });
  }

  /** Whether a blocking command was cut off rather than overdue. */
  #wasBlocking({ command, written }: SentAttempt, error: Error): boolean {
    const { blockMs, category } = command.traits;
    if (blockMs === undefined || !written || category === 'database-bound') return false;
    return !isTimeout(error);
  }

  #unknownOutcome(attempt: SentAttempt, cause: Error): Error {
    if (isTimeout(cause)) return cause;
    const { maybeExecuted, databaseId } = attempt.command;
    const message = `the connection to ${databaseId} was lost while the command was in flight`;
    return new ConnectionLostError(message, { cause, maybeExecuted, databaseId });
  }
}

function isTimeout(error: unknown): boolean {
  return isMultiDbError(error) && error.code === 'COMMAND_TIMEOUT';
}

function asError(error: unknown): Error {
  return isError(error) ? error : new Error(String(error));
}
