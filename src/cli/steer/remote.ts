/** `steer drain`, `hold`, `stay` and `release` with `--url`: an application publishes the document. */
import { consequencesOf, type SteeringOrder } from '../../core/steering/order.js';
import { EXIT, requireKnown, UsageError } from '../exit.js';
import { Remote } from '../live/remote.js';
import { durationArgument } from '../numbers.js';
import { Output } from '../output.js';
import type { SteerOptions } from './options.js';

/** Options that only have an effect on databases that the command line writes to. */
const OF_DATABASES = ['force', 'dryRun', 'key', 'secret'] as const;

/** Publishes `order` through the handler at `url`. Resolves to the exit code. */
export async function steerRemotely(
  order: SteeringOrder,
  url: string,
  { by, askReason }: { readonly by: string; readonly askReason: () => Promise<string | undefined> },
  options: SteerOptions,
): Promise<number> {
  const unfit = OF_DATABASES.find((name) => options[name]);
  if (unfit !== undefined) {
    const name = unfit === 'dryRun' ? 'dry-run' : unfit;
    throw new UsageError(`--${name} needs the databases, and cannot be combined with --url.`);
  }
  const output = new Output(options);
  const remote = new Remote(url, options.header, options.timeout);
  const { databases } = await remote.status();
  const { databaseId } = order;
  if (databaseId !== undefined) requireKnown(databaseId, databases);
  const reason = await askReason();
  const consequences = consequencesOf(order, {
    processes: `All processes with the steering source of ${remote.name}`,
    release: 'redis-multidb steer release',
    span: durationArgument,
    duration: durationArgument,
  });
  const question = [...consequences, 'Publish?'];
  if (!options.yes && !(await output.confirm(question, '--yes'))) return EXIT.usage;
  const { version, until, written, failed } = await remote.steer({
    action: order.action,
    database: databaseId,
    durationMs: order.durationMs,
    spreadMs: order.spreadMs,
    canaryPercent: order.canaryPercent,
    by,
    reason,
  });
  if (output.json) output.document({ report: 'steer', version, until, written, failed });
  else {
    for (const { database, error } of failed) {
      output.print(`Not written to ${database}: ${error}`);
    }
    output.print(`Version ${version} was written to ${written.join(', ')}.`, ...consequences);
  }
  return EXIT.ok;
}
