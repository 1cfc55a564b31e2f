import type { Command } from 'commander';
import type { CheckReport } from '../check/report.js';
import type { WhatIfReport } from '../check/what-if.js';
import { EXIT } from '../exit.js';
import { milliseconds, wholeNumber } from '../numbers.js';
import { Output } from '../output.js';
import { foreignAddresses, readTarget, type Target } from '../target.js';

interface Options {
  readonly write?: boolean;
  readonly timeout: number;
  readonly strict: boolean;
  readonly json: boolean;
  readonly whatIf: boolean;
  readonly fleet: number;
}

const HELP = `
Examples
  redis-multidb check redis.json
  redis-multidb check --strict --json redis.json > check.json
  redis-multidb check --what-if --fleet 200 redis.json
  redis-multidb check east=rediss://redis-east west=rediss://redis-west

Exit codes: 0 no problems, 1 problems (with --strict warnings too), 2 wrong
arguments or config. docs/cli.md says what each check means.`;

export function defineCheck(program: Command): void {
  program
    .command('check')
    .summary('check the databases and the options')
    .description(
      'Checks each database (reachable, authenticated, certificate, version, latency,\n' +
        'role, memory), differences between them (clocks, replication), and options\n' +
        'that are dangerous together. Changes only the test keys of --write.',
    )
    .argument('[config-or-url...]', 'a config file, or URLs in order of preference')
    .option('--write', 'write a test key (60 s expiry) to see if data replicates')
    .option('--no-write', 'do not; default: only if all databases are local')
    .option('--timeout <time>', 'timeout of each answer', milliseconds, 5000)
    .option('--strict', 'warnings count as problems', false)
    .option('--what-if', 'also simulate faults with these options', false)
    .option(
      '--fleet <number>',
      'processes that share the databases, for --what-if',
      wholeNumber(1, 1_000_000),
      1,
    )
    .option('--json', 'print one JSON document instead of text', false)
    .addHelpText('after', HELP)
    .action(async (args: string[], options: Options) => {
      process.exitCode = await perform(args, options);
    });
}

async function perform(args: readonly string[], options: Options): Promise<number> {
  const output = new Output(options);
  const target = await readTarget(args);
  const write = await mayWrite(target, options, output);
  const { check } = await import('../check/check.js');
  const { checkText } = await import('../check/text.js');
  const report: CheckReport = await check(target, {
    timeoutMs: options.timeout,
    strict: options.strict,
    write,
    onProgress: (text) => output.progress(`  ${text} ...`),
  });
  const answers = options.whatIf ? await simulate(target, options.fleet, output) : undefined;
  output.terminal.close();
  if (output.json) output.document({ ...report, ...(answers ? { whatIf: answers } : {}) });
  else output.print(...checkText(report, output.paint, output.columns));
  if (answers && !output.json) {
    const { whatIfText } = await import('../check/what-if-text.js');
    output.print(...whatIfText(answers, output.paint));
  }
  return report.ok ? EXIT.ok : EXIT.problems;
}

async function simulate(target: Target, fleet: number, output: Output): Promise<WhatIfReport> {
  output.progress('  simulating faults ...');
  const { askWhatIf } = await import('../check/what-if.js');
  return askWhatIf(target, fleet);
}

/**
 * Decides whether to write the test key. It is harmless because it expires, but a database on
 * another machine requires consent.
 */
async function mayWrite(
  target: Target,
  { write }: Options,
  output: Output,
): Promise<true | string> {
  if (write === true) return true;
  if (write === false) return 'skipped (--no-write)';
  const foreign = foreignAddresses(target);
  if (foreign.length === 0) return true;
  const skipped = 'skipped: requires a test key, which --write allows';
  if (output.json || process.stdin.isTTY !== true) return skipped;
  const where = foreign.map(([id]) => id).join(', ');
  const question = `Write a test key that expires after 60 s to ${where}, to see if data replicates?`;
  return (await output.confirm([question], '--write')) ? true : skipped;
}
