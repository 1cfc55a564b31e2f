import { type Command, InvalidArgumentError, Option } from 'commander';
import { FAULTS, type FaultName } from '../../drill/rehearsal/settings.js';
import { milliseconds, wholeNumber } from '../numbers.js';

const HELP = `
Faults: ${FAULTS.slice(0, 6).join(', ')},
        ${FAULTS.slice(6).join(', ')}

Without a config or URLs it starts three servers of its own. Servers that are
not its own are never stopped: the faults are in proxies on this machine, and
the load keeps to keys of its own, which it deletes.

Exit codes: 0 all goals met, 1 a goal missed, 2 wrong arguments, 130 Ctrl-C.`;

export function defineDrill(program: Command): void {
  program
    .command('drill')
    .summary('rehearse failures under load, with a report')
    .description('Sends a test load through the client and breaks its connections on purpose.')
    .argument('[config-or-url...]', 'a config file, or URLs in order of preference')
    .option('--faults <names>', `which, in this order (default: all)`, faultNames)
    .option('--goal-recovery-ms <ms>', 'from each fault to the first reply', milliseconds)
    .option('--goal-errors <n>', 'errors of callers for each fault', wholeNumber(0, 1e9))
    .option('--rate <n>', 'commands per second', wholeNumber(1, 20_000))
    .option('--callers <n>', 'concurrent callers', wholeNumber(1, 1000))
    .option('--hold <ms>', 'how long each state is watched', milliseconds, 2000)
    .option('--delay <ms>', 'of the fault delay', milliseconds)
    .option('--real-timing', 'do not shorten grace period and failback interval', false)
    .option('--prefix <text>', 'what keys begin with', 'redis-multidb-drill:')
    .option('--report <file>', 'the HTML report', 'redis-multidb-drill.html')
    .option('--yes', 'agree to databases that are not on this machine', false)
    .addOption(new Option('--json', 'everything that was measured, as JSON').default(false))
    .addHelpText('after', HELP)
    .action(async (args: string[], options) => {
      const { drill } = await import('../drill/drill.js');
      process.exitCode = await drill(args, options);
    });
}

function faultNames(text: string): FaultName[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(FAULTS as readonly string[]).includes(name));
  if (unknown === undefined) return names as FaultName[];
  throw new InvalidArgumentError(`There is no fault "${unknown}"; known are ${FAULTS.join(', ')}.`);
}
