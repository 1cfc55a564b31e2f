import { type Command, Option } from 'commander';
import { collect, milliseconds } from '../numbers.js';

const SOURCE = 'http://... of one or several handlers, a config file, or URLs of databases';
const HEADER = "header for the handler: 'authorization: Bearer ${TOKEN}'";

const STATUS_HELP = `
With a config file or the URLs of databases, the command probes them with its
own client. With http(s)://, it asks the handler of a running application. With
several, it prints one line for each, and how many use the same database.

Exit codes: 0 a database serves (several applications: all use the same), 1 none
serves or no answer, 2 wrong arguments.`;

const WATCH_HELP = `
On a terminal it redraws the status; otherwise it prints one line per event.
With --json it prints one document per line: { "event", "data" }. It reconnects
when the application returns. Ctrl-C ends it.

With several http://... it shows one line for each application, and how many use
the same database. With --json each document names its "application", and an
"agreement" event tells when that changes.`;

const SWITCH_HELP = `
The option "authorize" of the handler must allow the switch. Without --for or
--hold, an automatic failback may leave the database again. --unchecked needs
--for or --hold: until then the client does not leave the database for any
failure.

Exit codes: 0 active, 1 not active, 2 wrong arguments or not confirmed.`;

export function defineLive(program: Command): void {
  program
    .command('status')
    .summary('show the active database')
    .description('Shows which database is active and why, and what the others lack.')
    .argument('[source...]', SOURCE)
    .option('--header <header>', HEADER, collect, [])
    .addOption(timeout())
    .option('--json', 'print the document of GET /status', false)
    .addHelpText('after', STATUS_HELP)
    .action(async (args: string[], options) => {
      process.exitCode = await (await import('../live/live.js')).status(args, options);
    });
  program
    .command('watch')
    .summary('show the active database, live')
    .description('Shows which database is active and why, and everything that happens.')
    .argument('[source...]', SOURCE)
    .option('--header <header>', HEADER, collect, [])
    .addOption(timeout())
    .option('--json', 'print one document per line', false)
    .addHelpText('after', WATCH_HELP)
    .action(async (args: string[], options) => {
      process.exitCode = await (await import('../live/live.js')).watch(args, options);
    });
  program
    .command('switch')
    .summary('make a database active')
    .description('Makes a database of a running application active, after asking.')
    .argument('<id>', 'the database')
    .requiredOption('--url <url>', 'URL of the handler: http://...')
    .option('--for <time>', 'stay for this time, without failback: 30s, 10m', milliseconds)
    .option('--hold', 'stay until the next manual switch', false)
    .option('--unchecked', 'also if its health checks fail; stay even if it fails', false)
    .option('--release', 'end a switch with --for or --hold now', false)
    .option('--yes', 'do not ask', false)
    .option('--header <header>', HEADER, collect, [])
    .addOption(timeout())
    .option('--json', 'print the result as JSON', false)
    .addHelpText('after', SWITCH_HELP)
    .action(async (id: string, options) => {
      process.exitCode = await (await import('../live/live.js')).switchTo(id, options);
    });
}

function timeout(): Option {
  return new Option('--timeout <time>', 'timeout of an answer of the handler')
    .argParser(milliseconds)
    .default(10_000, '10s');
}
