/** `steer drain`, `hold`, `stay` and `release`: publishes a steering document. */
import { hostname, userInfo } from 'node:os';
import { systemClock } from '../../clock.js';
import { parseSteering, type SteeringDocument } from '../../core/steering/document.js';
import { InvalidSteeringError } from '../../errors.js';
import { EXIT, UsageError } from '../exit.js';
import { durationArgument } from '../numbers.js';
import { Output } from '../output.js';
import { readTarget, type Target } from '../target.js';
import { type Found, type KeyOptions, readAll, sourceOf, writeAll } from './databases.js';

export type SteerAction = 'drain' | 'hold' | 'stay' | 'release';

export interface SteerOptions extends KeyOptions {
  readonly for?: number;
  readonly spread?: number;
  /** In percent. */
  readonly canary?: number;
  readonly reason?: string;
  readonly by?: string;
  readonly force?: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** How long the others wait for the canaries. */
const CANARY_HOLD_MS = 60_000;

export async function steer(
  action: SteerAction,
  id: string | undefined,
  args: readonly string[],
  options: SteerOptions,
): Promise<number> {
  const output = new Output(options);
  const target = await readTarget(args);
  if (id !== undefined) requireKnown(id, action, target);
  const source = sourceOf(target, options);
  output.progress('  reading ...');
  const before = await readAll(target, source, options);
  output.terminal.close();
  const document = documentFor(action, id, options, nextVersion(before));
  const text = JSON.stringify(document, undefined, 2);
  if (options.dryRun) {
    if (output.json) output.document({ report: 'steer', written: [], failed: [], document });
    else
      output.print(
        ...text.split('\n'),
        '',
        ...consequences(action, id, options, source.key),
        'Not written.',
      );
    return EXIT.ok;
  }
  const question = [
    ...consequences(action, id, options, source.key),
    ...unread(before),
    'Publish?',
  ];
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
      output.print(...consequences(action, id, options, source.key));
    }
  }
  return written.length > 0 ? EXIT.ok : EXIT.problems;
}

function requireKnown(id: string, action: SteerAction, { resolved }: Target): void {
  const known = resolved.databases.map((database) => database.id);
  if (!known.includes(id)) {
    throw new UsageError(`No database has this id; known databases: ${known.join(', ')}.`);
  }
  if (action === 'drain' && known.length === 1) {
    throw new UsageError(`${id} is the only database; there is nowhere to go.`);
  }
}

/**
 * Above every version that was found, and above those of databases that can't be read now: the time
 * in seconds.
 */
function nextVersion(found: readonly Found[]): number {
  const seen = found.map(({ steering }) => steering?.version ?? 0);
  return Math.max(Math.floor(systemClock.wallTime() / 1000), ...seen.map((each) => each + 1));
}

function documentFor(
  action: SteerAction,
  id: string | undefined,
  options: SteerOptions,
  version: number,
): SteeringDocument {
  const { spread, canary, reason } = options;
  const issuedAt = systemClock.wallTime();
  if (reason === undefined && action !== 'release') throw new UsageError('Say why: --reason TEXT.');
  const asked = {
    drain: { drain: [id as string] },
    hold: { prefer: id as string, ...(options.force ? { force: true } : {}) },
    stay: { failback: false },
    release: {},
  }[action];
  const document: SteeringDocument = {
    schemaVersion: 1,
    version,
    issuedAt: time(issuedAt),
    ...(options.for === undefined ? {} : { until: time(issuedAt + options.for) }),
    ...(canary === undefined
      ? spread === undefined
        ? {}
        : { spread }
      : {
          spread: [
            { share: canary / 100, holdMs: CANARY_HOLD_MS },
            { share: 1, overMs: spread ?? 0 },
          ],
        }),
    ...asked,
    by: options.by ?? `${userInfo().username}@${hostname()}`,
    reason: reason ?? 'released',
  };
  try {
    parseSteering(document);
  } catch (error) {
    if (error instanceof InvalidSteeringError) throw new UsageError(error.message);
    throw error;
  }
  return document;
}

function time(wallTime: number): string {
  return new Date(wallTime).toISOString();
}

function consequences(
  action: SteerAction,
  id: string | undefined,
  { spread, canary, force, ...options }: SteerOptions,
  key: string,
): string[] {
  const what = {
    drain: `All processes that read ${key} leave ${id}, where another database can serve.`,
    hold: `All processes that read ${key} prefer ${id}${force ? ', also where its health checks fail' : ', where it is healthy'}.`,
    stay: `All processes that read ${key} stop failing back; failures still fail over.`,
    release: `All processes that read ${key} follow their own configuration again.`,
  }[action];
  const first = canary === undefined ? [] : [`${canary} % of them move first, a minute earlier.`];
  const atOnce = {
    drain: 'They move at once.',
    hold: 'They move at once.',
    stay: 'They obey at once.',
    release: 'They return at their next failback check.',
  }[action];
  const moves = spread === undefined ? atOnce : `They do so within ${durationArgument(spread)}.`;
  const until =
    action === 'release'
      ? []
      : [
          options.for === undefined
            ? 'It holds until the next document (redis-multidb steer release).'
            : `It ends by itself after ${durationArgument(options.for)}.`,
        ];
  return [what, ...first, moves, ...until];
}

/** Databases that do not get the document. */
function unread(found: readonly Found[]): string[] {
  return found.flatMap(({ id, error }) =>
    error === undefined ? [] : [`${id} can't be read: ${error}`],
  );
}
