import { type Command, InvalidArgumentError } from 'commander';
import type { SteeringAction } from '../../core/steering/order.js';
import { collect, milliseconds } from '../numbers.js';
import type { SteerOptions } from '../steer/options.js';

const TARGET = 'a config file, or URLs of the databases';

const HELP = `
Writes a steering document to the key in every database that can be reached.
Each process that has redisSteering({ key }) obeys it, at its own place in
--spread. The key and the secret may stand in the config file.

Examples
  redis-multidb steer drain east --for 1h --spread 10m --reason upgrade redis.json
  redis-multidb steer hold west --reason "east is slow" redis.json
  redis-multidb steer stay --for 30m --reason "suspected split" redis.json
  redis-multidb steer release --spread 10m redis.json
  redis-multidb steer hold west --reason "east is slow" --url http://.../redis
  redis-multidb steer show redis.json

Exit codes: 0 written (show: consistent), 1 not written or inconsistent, 2 wrong
arguments or not confirmed. docs/runbook.md has the steps for an incident.`;

export function defineSteer(program: Command): void {
  const steer = program
    .command('steer')
    .summary('steer a fleet of processes')
    .description('Tells all processes which database to prefer, to leave, or to stay on.')
    .addHelpText('after', HELP);
  publishing(steer, 'drain', 'leave a database, and return when the document ends')
    .argument('<id>', 'the database to leave')
    .argument('[target...]', TARGET)
    .action((id: string, target: string[], options) => act('drain', id, target, options));
  publishing(steer, 'hold', 'prefer a database, whatever the weights')
    .argument('<id>', 'the database to prefer')
    .argument('[target...]', TARGET)
    .option('--force', 'also where its health checks fail', false)
    .action((id: string, target: string[], options) => act('hold', id, target, options));
  publishing(steer, 'stay', 'stop automatic failbacks')
    .argument('[target...]', TARGET)
    .action((target: string[], options) => act('stay', undefined, target, options));
  publishing(steer, 'release', 'end what was asked for')
    .argument('[target...]', TARGET)
    .action((target: string[], options) => act('release', undefined, target, options));
  reading(steer.command('show').description('Shows the document in each database.'))
    .argument('[target...]', TARGET)
    .action(async (target: string[], options) => {
      process.exitCode = await (await import('../steer/show.js')).show(target, options);
    });
  for (const command of steer.commands) {
    command.copyInheritedSettings(program).helpOption('-h, --help', 'print this help');
  }
}

function publishing(steer: Command, name: string, description: string): Command {
  return reading(steer.command(name).description(`Tells all processes to ${description}.`))
    .option('--for <time>', 'end by itself after this time: 30m, 2h', milliseconds)
    .option('--spread <time>', 'time over which the processes move', milliseconds)
    .option('--canary <percent>', 'move this share first, and wait a minute', percent)
    .option('--reason <text>', 'why; shown wherever it has an effect')
    .option('--by <text>', 'who; default: user@host')
    .option('--dry-run', 'print the document, and write nothing', false)
    .option('--url <url>', 'let the handler of an application publish it: http://...')
    .option(
      '--header <header>',
      "header for the handler: 'authorization: Bearer ${TOKEN}'",
      collect,
      [],
    )
    .option('--yes', 'do not ask', false);
}

function reading(command: Command): Command {
  return command
    .option('--key <key>', 'the key; default: that of the config file')
    .option('--secret <env:NAME>', 'variable with the secret; default: that of the config')
    .option('--timeout <time>', 'timeout of each database', milliseconds, 5000)
    .option('--json', 'print one JSON document', false);
}

async function act(
  action: SteeringAction,
  id: string | undefined,
  target: readonly string[],
  options: SteerOptions,
): Promise<void> {
  process.exitCode = await (await import('../steer/steer.js')).steer(action, id, target, options);
}

function percent(text: string): number {
  const value = Number(text.replace(/%$/, ''));
  if (value > 0 && value < 100) return value;
  throw new InvalidArgumentError('Expected a percentage such as 1 or 5%.');
}
