import { ErrorReply } from '@redis/client';
import type { CommandArgument } from '../../../core/command-argument.js';
import { asksForReplicas, commandTraits } from '../../../core/command-category.js';
import { firstKey, splittableKeys } from '../../../core/command-keys.js';
import { hashSlot } from '../../../core/hash-slot.js';
import { UnsupportedError } from '../../../errors.js';
import { foreignReason } from '../../../foreign/foreign-error.js';
import type { Batch } from '../../driver.js';
import { type ClusterAttempt, Part } from './attempt.js';
import type { NodeSender } from './node.js';
import { isRedirection } from './redirection.js';
import type { ScanCursors } from './scan.js';

/** The part of a cluster connection that routes commands. */
export interface ClusterRouter extends NodeSender {
  readonly scans: ScanCursors;
  readonly slots: { rediscover(): Promise<unknown> };
  readonly options: { readonly useReplicas: boolean };
  /** Sends `args`, or the attempt itself if there are none, to the node that serves `key`. */
  route(
    part: Part,
    key: CommandArgument | undefined,
    args: readonly CommandArgument[] | undefined,
    options?: { readonly isReadonly?: boolean; readonly isAll?: boolean },
  ): Promise<unknown>;
}

type Arguments = readonly CommandArgument[];

/** Some nodes executed their part of a command, and another node did not. */
export class PartlyExecutedError extends Error {}

/** Commands that may have no key and then need only one node. */
const ANY_NODE: ReadonlySet<string> = new Set([
  'EVAL',
  'EVALSHA',
  'EVAL_RO',
  'EVALSHA_RO',
  'FCALL',
  'FCALL_RO',
]);

/** Executes an attempt on the nodes that it concerns. */
export async function routeCommand(
  connection: ClusterRouter,
  owner: ClusterAttempt,
): Promise<unknown> {
  const { args, batch } = owner.attempt;
  try {
    if (batch?.kind === 'multi') return await performBatch(connection, owner, batch);
    if (batch?.kind === 'pipeline') return await performPipeline(connection, owner, batch);
    const name = String(args[0]).toUpperCase();
    if (name === 'SCAN') return await connection.scans.scan(connection, owner);
    const key = firstKey(args);
    if (key === undefined ? ANY_NODE.has(name) : !spansSlots(args)) {
      const isRead = connection.options.useReplicas && mayReadReplica(name, args);
      return await connection.route(owner.whole, key, undefined, { isReadonly: isRead });
    }
    // node-redis knows which nodes are concerned, and how to combine their replies.
    return await connection.route(owner.whole, key, args);
  } catch (error) {
    throw judged(connection, owner, error);
  }
}

function performBatch(
  connection: ClusterRouter,
  owner: ClusterAttempt,
  { kind, commands }: Batch,
): Promise<unknown> {
  const keys = commands.map(firstKey).filter((key) => key !== undefined);
  const [key] = keys;
  if (key !== undefined && keys.some((each) => hashSlot(each) !== hashSlot(key))) {
    const name = kind === 'multi' ? 'a transaction' : 'a pipeline';
    throw new UnsupportedError(
      `on a cluster all keys of ${name} must be in one hash slot; use a hash tag`,
    );
  }
  // The writes before WAIT may be executed by another node, to which their slot has moved.
  if (commands.some(asksForReplicas)) {
    throw new UnsupportedError(
      'WAIT: on a cluster the command concerns a single node; use `transaction()`',
    );
  }
  return connection.route(owner.whole, key, undefined);
}

async function performPipeline(
  connection: ClusterRouter,
  owner: ClusterAttempt,
  batch: Batch,
): Promise<unknown[]> {
  const results = (await performBatch(connection, owner, batch)) as PromiseSettledResult<unknown>[];
  for (const [index, result] of results.entries()) {
    // The slot moved in the middle of the pipeline: the refused commands go to the new node, in
    // order.
    if (result.status === 'fulfilled' || !isRedirection(result.reason)) continue;
    const args = batch.commands[index] as Arguments;
    const route = connection.route(new Part(owner), firstKey(args), args, { isAll: true });
    const [ended] = await Promise.allSettled([route]);
    // The pipeline rejects with its first error. After an error that is not a reply nothing is
    // sent.
    if (ended.status === 'rejected' && !(ended.reason instanceof ErrorReply)) throw ended.reason;
    results[index] = ended;
  }
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** A cursor is only valid on the node that returned it, and pages could go to different nodes. */
function mayReadReplica(name: string, args: Arguments): boolean {
  return !name.endsWith('SCAN') && commandTraits(args).category === 'read';
}

function spansSlots(args: Arguments): boolean {
  const keys = splittableKeys(args);
  if (keys === undefined || keys.length < 2) return false;
  const slot = hashSlot(keys[0] as CommandArgument);
  return keys.some((key) => hashSlot(key) !== slot);
}

/** Some nodes may have executed their part although another node refused its own. */
function judged(connection: ClusterRouter, owner: ClusterAttempt, error: unknown): unknown {
  if (!(error instanceof ErrorReply)) return error;
  // Another node may serve the slot by now.
  if (error.message.startsWith('CLUSTERDOWN')) connection.slots.rediscover().catch(() => {});
  const kind = owner.attempt.batch?.kind ?? 'single';
  if (kind !== 'single' || owner.effects < 2) return error;
  const message = `some nodes executed their part, but another node answered: ${foreignReason(error)}`;
  return new PartlyExecutedError(message, { cause: error });
}
