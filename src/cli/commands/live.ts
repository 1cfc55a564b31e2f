import { type Command, Option } from 'commander';
import { milliseconds } from '../numbers.js';

const SOURCE = 'http://... of the handler, a config file, or URLs of databases';
const HEADER = "sent to the handler: 'authorization: Bearer ${TOKEN}'";

const STATUS_HELP = `
Given a config file or the URLs of databases, it opens a client of its own that
probes them; given http(s)://, it asks the handler of a running application.

Exit codes: 0 a database serves, 1 none does or nothing answers, 2 wrong
arguments.`;

const WATCH_HELP = `
On a terminal the status is drawn over and over; else one line for each event.
With --json one document a line: { "event", "data" }. An application that goes
away is waited for. Ctrl-C ends it.`;

const SWITCH_HELP = `
The handler has to allow it: its option "authorize". Without --for or --hold an
automatic failback may leave the database again.

Exit codes: 0 it is active, 1 it is not, 2 wrong arguments or not confirmed.`;

export function defineLive(program: Command): void {
  program
    .command('status')
    .summary('which database is active, and why')
    .description('Shows which database is active and why, and what each other one lacks.')
    .argument('[source...]', SOURCE)
    .option('--header <header>', HEADER, collect, [])
    .addOption(timeout())
    .option('--json', 'the document of GET /status', false)
    .addHelpText('after', STATUS_HELP)
    .action(async (args: string[], options) => {
      process.exitCode = await (await import('../live/live.js')).status(args, options);
    });
  program
    .command('watch')
    .summary('the same, live')
    .description('Shows which database is active and why, and everything that happens.')
    .argument('[source...]', SOURCE)
    .option('--header <header>', HEADER, collect, [])
    .addOption(timeout())
    .option('--json', 'one document a line', false)
    .addHelpText('after', WATCH_HELP)
    .action(async (args: string[], options) => {
      process.exitCode = await (await import('../live/live.js')).watch(args, options);
    });
  program
    .command('switch')
    .summary('make a database active by hand')
    .description('Makes a database of a running application active, after asking.')
    .argument('<id>', 'the database')
    .requiredOption('--url <url>', 'where the handler is mounted: http://...')
    .option('--for <duration>', 'stay there that long against failback: 30s, 10m', milliseconds)
    .option('--hold', 'stay there until somebody switches again', false)
    .option('--yes', 'do not ask', false)
    .option('--header <header>', HEADER, collect, [])
    .addOption(timeout())
    .option('--json', 'the outcome as JSON', false)
    .addHelpText('after', SWITCH_HELP)
    .action(async (id: string, options) => {
      process.exitCode = await (await import('../live/live.js')).switchTo(id, options);
    });
}

function timeout(): Option {
  return new Option('--timeout <duration>', 'within which the handler has to answer')
    .argParser(milliseconds)
    .default(10_000, '10s');
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
