import { Command, CommanderError, Help, type Option } from 'commander';
import { isMultiDbError } from '../errors.js';
import { printableLines } from '../terminal.js';
import { defineCheck } from './commands/check.js';
import { defineDrill } from './commands/drill.js';
import { defineLive } from './commands/live.js';
import { defineSteer } from './commands/steer.js';
import { EXIT, FailedError, InterruptedError, UsageError } from './exit.js';
import { missingPackage } from './missing-package.js';
import { durationArgument, milliseconds } from './numbers.js';
import { packageVersion } from './versions.js';

const EXAMPLES = `
Examples
  redis-multidb check redis.json
  redis-multidb watch http://127.0.0.1:8080/redis
  redis-multidb drill --report drill.html

Exit codes: 0 success, 1 problems or a missed goal, 2 wrong arguments.
"redis-multidb help <command>" prints its options; NO_COLOR turns colours off.`;

/** Runs one command line and resolves to its exit code. Never rejects. */
export async function run(args: readonly string[]): Promise<number> {
  process.exitCode = EXIT.ok;
  try {
    await createProgram(args).parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? EXIT.ok);
  } catch (error) {
    return report(error);
  }
}

export function createProgram(args: readonly string[] = []): Command {
  const program = new Command('redis-multidb')
    .description('Check, watch, switch, steer and rehearse failover between Redis databases.')
    .version(packageVersion(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError()
    .exitOverride();
  // Commander repeats arguments that it does not understand.
  program.configureOutput({
    outputError: (text, write) => {
      const shown = withoutArguments(text, args).replace(/^error: /, 'redis-multidb: ');
      write(printableLines(shown));
    },
  });
  program.configureHelp({ helpWidth: 80, showGlobalOptions: false, optionDescription });
  defineCheck(program);
  defineLive(program);
  defineDrill(program);
  defineSteer(program);
  for (const command of program.commands) {
    command.copyInheritedSettings(program).helpOption('-h, --help', 'print this help');
  }
  return program;
}

/** Names of commands and options, also misspelled ones. */
const NAME = /^-{0,2}[a-z]+(-[a-z]+)*$/;
const LONGEST_NAME = 24;

/**
 * Removes arguments that are not names, because they may be passwords. The longest come first,
 * because one may contain another.
 */
function withoutArguments(text: string, args: readonly string[]): string {
  return args
    .filter((argument) => !NAME.test(argument) || argument.length > LONGEST_NAME)
    .flatMap((argument) => [argument, argument.slice(argument.indexOf('=') + 1)])
    .filter((argument) => argument !== '')
    .sort((one, other) => other.length - one.length)
    .reduce((shown, argument) => shown.replaceAll(`'${argument}'`, "'***'"), text);
}

/** Omits the default of a flag that is off and of an empty list. */
function optionDescription(option: Option): string {
  const { defaultValue, description } = option;
  const isEmpty = Array.isArray(defaultValue) && defaultValue.length === 0;
  if (option.parseArg === milliseconds && typeof defaultValue === 'number') {
    return `${description} (default: ${durationArgument(defaultValue)})`;
  }
  return defaultValue === false || isEmpty ? description : Help.prototype.optionDescription(option);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof InterruptedError) return EXIT.interrupted;
  if (error instanceof UsageError) return complain(error.message, EXIT.usage);
  if (error instanceof FailedError) return complain(error.message, EXIT.problems);
  const missing = missingPackage(error);
  if (missing !== undefined) return complain(missing, EXIT.problems);
  if (isMultiDbError(error)) return complain(error.message, EXIT.problems);
  return complain(
    error instanceof Error ? (error.stack ?? error.message) : String(error),
    EXIT.problems,
  );
}

function complain(text: string, code: number): number {
  process.stderr.write(printableLines(`redis-multidb: ${text}\n`));
  return code;
}
