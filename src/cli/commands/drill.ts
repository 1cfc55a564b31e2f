import { type Command, InvalidArgumentError } from 'commander';
import { FAULTS, type FaultName } from '../../drill/rehearsal/settings.js';
import { milliseconds, wholeNumber } from '../numbers.js';

const HELP = `
Faults: ${FAULTS.slice(0, -1).join(', ')},
${FAULTS.at(-1)}.

Without a config or URLs it starts its own servers. Other servers are never
stopped: the faults are in proxies here, and the load deletes its keys. The
application gets the proxies' URLs as EAST_URL for the database "east" and so
on; options may contain {east}, {east.host}, {east.port} and {port} (free).

Exit codes: 0 all goals met, 1 a goal missed, 2 wrong arguments, 130 Ctrl-C.`;

export function defineDrill(program: Command): void {
  program
    .command('drill')
    .summary('rehearse failures under load, with a report')
    .description('Sends a load through the client or your application, and injects faults.')
    .argument('[config-or-url...]', 'a config file, or URLs in order of preference')
    .option('--app <command>', 'rehearse this application instead of a client')
    .option('--request <url>', "request to send: http://..., 'POST http://...'", collect)
    .option('--status <url>', 'URL of its handler: http://...')
    .option('--env <name=text>', "variable to set: 'PORT={port}'", collect)
    .option('--header <header>', 'header to send with each request', collect)
    .option('--start-within <time>', 'time until it must be ready', milliseconds, 60_000)
    .option('--stop-within <time>', 'time until it must end after SIGTERM', milliseconds, 30_000)
    .option('--faults <names>', `faults, in this order (default: all)`, faultNames)
    .option('--goal-recovery-ms <time>', 'time from each fault to the first reply', milliseconds)
    .option('--goal-errors <n>', 'errors allowed for each fault', wholeNumber(0, 1e9))
    .option('--rate <n>', 'commands or requests per second', wholeNumber(1, 20_000))
    .option('--callers <n>', 'concurrent callers', wholeNumber(1, 1000))
    .option('--hold <time>', 'how long each state lasts', milliseconds, 2000)
    .option('--delay <time>', 'latency of the fault delay', milliseconds)
    .option('--real-timing', 'do not shorten grace period and failback interval')
    .option('--prefix <text>', 'prefix of the keys', 'redis-multidb-drill:')
    .option('--report <file>', 'file of the HTML report', 'redis-multidb-drill.html')
    .option('--yes', 'allow databases that are not on this machine')
    .option('--json', 'print all measurements as JSON')
    .addHelpText('after', HELP)
    .action(async (args: string[], options) => {
      const { drill } = await import('../drill/drill.js');
      process.exitCode = await drill(args, options);
    });
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function faultNames(text: string): FaultName[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(FAULTS as readonly string[]).includes(name));
  if (unknown === undefined) return names as FaultName[];
  throw new InvalidArgumentError(`Known faults: ${FAULTS.join(', ')}.`);
}
