import { parseArgs } from 'node:util';

export interface Arguments {
  readonly help: boolean;
  readonly plain: boolean;
  readonly report: string;
  readonly json: string | undefined;
}

export const DEFAULT_REPORT = 'redis-multidb-demo.html';

export const HELP = `Usage: npm run demo -- [options]

Starts three redis-server processes on free ports, sends a few thousand commands per second
through one redis-multidb client, and breaks the servers in every way of the script: kill, freeze,
all down. Then it reads the servers directly and compares what they hold with what the callers
were told. It takes less than a minute and ends with 1 if any promise was broken.

Options:
  --report <file>  where the HTML report goes (default: ${DEFAULT_REPORT})
  --json <file>    writes everything that was measured as JSON as well
  --plain          plain lines without colours, as when the output is not a terminal
  --help           this text

NO_COLOR in the environment turns colours off.
`;

/** Throws a `TypeError` that names the argument it does not know. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      plain: { type: 'boolean', default: false },
      report: { type: 'string', default: DEFAULT_REPORT },
      json: { type: 'string' },
    },
  });
  return { help: values.help, plain: values.plain, report: values.report, json: values.json };
}
