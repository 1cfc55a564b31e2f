/** `steer drain`, `hold`, `stay` and `release`: publishes a steering document. */
import { hostname, userInfo } from 'node:os';
import { cleanText } from '../../clean-text.js';
import { systemClock } from '../../clock.js';
import { parseSteering, type SteeringDocument } from '../../core/steering/document.js';
import {
  consequencesOf,
  documentOf,
  nextVersion,
  type SteeringAction,
  type SteeringOrder,
} from '../../core/steering/order.js';
import { InvalidSteeringError } from '../../errors.js';
import type { Found } from '../../steering/redis.js';
import { EXIT, requireKnown, UsageError } from '../exit.js';
import { durationArgument } from '../numbers.js';
import { Output } from '../output.js';
import { readTarget, type Target } from '../target.js';
import { readAll, sourceOf, writeAll } from './databases.js';
import type { SteerOptions } from './options.js';

export async function steer(
  action: SteeringAction,
  id: string | undefined,
  args: readonly string[],
  options: SteerOptions,
): Promise<number> {
  const order: SteeringOrder = {
    action,
    databaseId: id,
    force: options.force,
    durationMs: options.for,
    spreadMs: options.spread,
    canaryPercent: options.canary,
  };
  const output = new Output(options);
  const { by = `${userInfo().username}@${hostname()}` } = options;
  if (isBlank(by)) throw new UsageError('Say who: --by TEXT.');
  const askReason = () => reasonFor(action, options, output);
  if (options.url !== undefined) {
    if (args.length > 0) throw new UsageError('Name databases or --url, not both.');
    const { steerRemotely } = await import('./remote.js');
    return steerRemotely(order, options.url, { by, askReason }, options);
  }
  const target = await readTarget(args);
  if (id !== undefined) requireUsable(id, action, target);
  // Last, so that nobody answers in vain.
  const reason = await askReason();
  const source = sourceOf(target, options);
  output.progress('  reading ...');
  const before = await readAll(target, source, options);
  output.terminal.close();
  const document = documentFor(order, { by, reason }, before);
  const consequences = consequencesOf(order, {
    processes: `All processes that read ${source.key}`,
    release: 'redis-multidb steer release',
    span: durationArgument,
    duration: durationArgument,
  });
  const text = JSON.stringify(document, undefined, 2);
  if (options.dryRun) {
    if (output.json) output.document({ report: 'steer', written: [], failed: [], document });
    else output.print(...text.split('\n'), '', ...consequences, 'Not written.');
    return EXIT.ok;
  }
  const question = [...consequences, ...unread(before), 'Publish?'];
  if (!options.yes && !(await output.confirm(question, '--yes'))) return EXIT.usage;
  const after = await writeAll(target, source, text, options);
  const written = after.filter(({ error }) => error === undefined).map((each) => each.id);
  const failed = after.flatMap(({ id, error }) => (error === undefined ? [] : [{ id, error }]));
  if (output.json) output.document({ report: 'steer', written, failed, document });
  else {
    for (const each of failed) output.print(`Not written to ${each.id}: ${each.error}`);
    if (written.length === 0) output.print('Nothing was written.');
    else {
      output.print(`Version ${document.version} was written to ${written.join(', ')}.`);
      output.print(...consequences);
    }
  }
  return written.length > 0 ? EXIT.ok : EXIT.problems;
}

/** The reason that was given, or else the answer of a person at the terminal. A release needs none. */
async function reasonFor(
  action: SteeringAction,
  { reason: given, yes }: SteerOptions,
  output: Output,
): Promise<string | undefined> {
  if (given === undefined && action === 'release') return undefined;
  const reason = given ?? (yes ? undefined : await output.ask('Why? All who look will read it:'));
  if (isBlank(reason)) throw new UsageError('Say why: --reason TEXT.');
  return reason;
}

/** Control characters are shown as white space. */
function isBlank(text: string | undefined): boolean {
  return text === undefined || cleanText(text).trim() === '';
}

function requireUsable(id: string, action: SteeringAction, { resolved }: Target): void {
  const { databases } = resolved;
  requireKnown(id, databases);
  if (action === 'drain' && databases.length === 1) {
    throw new UsageError(`${id} is the only database; there is nowhere to go.`);
  }
}

function documentFor(
  order: SteeringOrder,
  { by, reason }: { readonly by: string; readonly reason: string | undefined },
  found: readonly Found[],
): SteeringDocument {
  const issuedAt = systemClock.wallTime();
  const seen = found.map(({ steering }) => steering?.version ?? 0);
  const about = {
    version: nextVersion(issuedAt, seen),
    by,
    reason: reason ?? 'released',
  };
  const document = documentOf(order, about, issuedAt);
  try {
    parseSteering(document);
  } catch (error) {
    if (error instanceof InvalidSteeringError) throw new UsageError(error.message);
    throw error;
  }
  return document;
}

/** Databases that do not get the document. */
function unread(found: readonly Found[]): string[] {
  return found.flatMap(({ id, error }) =>
    error === undefined ? [] : [`${id} can't be read: ${error}`],
  );
}
