/** `steer show`: the document in each database. */
import { systemClock } from '../../clock.js';
import { compareSteering, describeSteering, type Steering } from '../../core/steering/document.js';
import type { Found } from '../../steering/redis.js';
import { EXIT } from '../exit.js';
import { Output } from '../output.js';
import { readTarget } from '../target.js';
import { readAll, sourceOf } from './databases.js';
import type { KeyOptions } from './options.js';

export async function show(args: readonly string[], options: KeyOptions): Promise<number> {
  const output = new Output(options);
  const target = await readTarget(args);
  const source = sourceOf(target, options);
  output.progress('  reading ...');
  const found = await readAll(target, source, options);
  output.terminal.close();
  const newest = found.reduce<Steering | undefined>(
    (best, { steering }) =>
      steering !== undefined && (best === undefined || compareSteering(steering, best) > 0)
        ? steering
        : best,
    undefined,
  );
  const isConsistent = found.every(
    ({ steering, error }) => error === undefined && steering?.canonical === newest?.canonical,
  );
  if (output.json) {
    output.document({
      report: 'steer-show',
      consistent: isConsistent,
      newest: newest === undefined ? null : documentOf(newest, found),
      databases: found.map(({ id, steering, error }) => ({
        id,
        version: steering?.version ?? null,
        error: error ?? null,
      })),
    });
  } else {
    output.print(...(newest === undefined ? ['No steering document.'] : newestText(newest)));
    for (const each of found) output.print(`  ${each.id}: ${stateOf(each, newest)}`);
  }
  return isConsistent ? EXIT.ok : EXIT.problems;
}

function documentOf(newest: Steering, found: readonly Found[]): unknown {
  const text = found.find(({ steering }) => steering?.canonical === newest.canonical)?.text;
  return JSON.parse(text ?? 'null');
}

function newestText(steering: Steering): string[] {
  const { version, by, reason, until, issuedAt } = steering;
  const isOver = until <= systemClock.wallTime();
  const end = Number.isFinite(until)
    ? `${isOver ? 'ended' : 'ends'} at ${new Date(until).toISOString()}`
    : 'holds until the next document';
  return [
    `Version ${version} by ${by} (${reason}): ${describeSteering(steering)}`,
    `  published at ${new Date(issuedAt).toISOString()}, ${end}`,
  ];
}

function stateOf({ steering, error }: Found, newest: Steering | undefined): string {
  if (error !== undefined) return `can't be read: ${error}`;
  if (steering === undefined) return 'no document';
  return steering.canonical === newest?.canonical ? 'this version' : `version ${steering.version}`;
}
