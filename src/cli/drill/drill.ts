/** The command `drill`. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Rehearsal } from '../../drill/rehearsal/rehearse.js';
import { type DrillSettings, FAULTS, type FaultName } from '../../drill/rehearsal/settings.js';
import { report } from '../../drill/report/report.js';
import { summary } from '../../drill/report/summary.js';
import type { ValidatedOptions } from '../../options/validate.js';
import { EXIT, FailedError } from '../exit.js';
import { Output } from '../output.js';
import { onSignal } from '../signals.js';
import { foreignAddresses, readTarget, type Target } from '../target.js';
import { clientVersion } from '../versions.js';
import { type OwnServers, startOwnServers } from './own-servers.js';
import { isEncrypted, preflight, refuseImpossible } from './preflight.js';
import { Progress } from './progress.js';

export interface DrillOptions {
  readonly faults?: readonly FaultName[];
  readonly goalRecoveryMs?: number;
  readonly goalErrors?: number;
  readonly rate?: number;
  readonly callers?: number;
  readonly hold: number;
  readonly delay?: number;
  readonly realTiming: boolean;
  readonly prefix: string;
  readonly report: string;
  readonly yes: boolean;
  readonly json: boolean;
}

/** On one's own machine nobody is disturbed. */
const LOAD = { own: { rate: 1000, callers: 50 }, others: { rate: 200, callers: 20 } };

/** Resolves to the exit code; whatever happens, nothing stays behind. */
export async function drill(args: readonly string[], options: DrillOptions): Promise<number> {
  const output = new Output(options);
  const given = args.length > 0 ? await readTarget(args) : undefined;
  if (given !== undefined) {
    refuseImpossible(given, options.faults ?? []);
    if (!(await agreed(given, options, output))) return EXIT.usage;
  }
  let own: OwnServers | undefined;
  let rehearsal: Rehearsal | undefined;
  let isOver = false;
  const clean = async () => {
    isOver = true;
    const left = (await rehearsal?.dispose().catch((error) => [String(error)])) ?? [];
    await own?.stop();
    return left;
  };
  const unlisten = onSignal(async (signal) => {
    output.terminal.end();
    process.stderr.write(`\nredis-multidb: ${signal}, cleaning up ...\n`);
    for (const line of await clean()) process.stderr.write(`redis-multidb: ${line}\n`);
  });
  try {
    if (given === undefined) {
      output.progress('  starting three servers ...');
      own = await startOwnServers();
    }
    const target = given ?? (own as OwnServers).target;
    const settings = settingsOf(target, options, own !== undefined);
    output.progress('  asking the databases ...');
    const { versions, groups } = await preflight(target, settings.prefix);
    output.terminal.close();
    if (isOver) return EXIT.problems;
    const all = [
      ...versions,
      `@redis/client ${clientVersion()}`,
      `Node.js ${process.versions.node}`,
    ];
    rehearsal = await Rehearsal.create({
      ...target,
      settings,
      groups,
      versions: all,
      realTiming: options.realTiming,
    });
    const result = await rehearsal.run(new Progress(output, settings, all));
    if (isOver) return EXIT.problems;
    save(options.report, report(result));
    if (output.json) output.document({ report: 'drill', ...result });
    output.print(
      ...summary(result, output.paint, output.columns),
      `  Report: ${pathToFileURL(path.resolve(options.report))}`,
      '',
    );
    return result.ok ? EXIT.ok : EXIT.problems;
  } finally {
    await clean();
    unlisten();
  }
}

function save(file: string, page: string): void {
  try {
    writeFileSync(file, page);
  } catch (error) {
    throw new FailedError(`The report can't be written: ${(error as Error).message}`);
  }
}

async function agreed(target: Target, { yes }: DrillOptions, output: Output): Promise<boolean> {
  const foreign = foreignAddresses(target);
  if (yes || foreign.length === 0) return true;
  const { callers, rate } = LOAD.others;
  return output.confirm(
    [
      `The drill sends about ${rate} commands a second of ${callers} callers to databases that are not on this machine:`,
      ...foreign.map(([id, address]) => `  ${id}  ${address}`),
      'It writes keys of its own there and deletes them. The servers are not touched otherwise: the faults are in proxies here.',
      'Go on?',
    ],
    '--yes',
  );
}

function settingsOf({ resolved }: Target, options: DrillOptions, isOwn: boolean): DrillSettings {
  const { rate, callers } = isOwn ? LOAD.own : LOAD.others;
  const isTls = resolved.databases.some(({ client }) => isEncrypted(client));
  const faults = options.faults ?? FAULTS.filter((name) => !(isTls && name === 'read-only'));
  return {
    faults,
    ratePerSecond: options.rate ?? rate,
    callers: Math.min(options.callers ?? callers, options.rate ?? rate),
    goalRecoveryMs: options.goalRecoveryMs ?? expectedRecoveryMs(resolved),
    goalErrors: options.goalErrors,
    prefix: `${options.prefix}${randomBytes(6).toString('hex')}:`,
    holdMs: options.hold,
    delayMs: options.delay ?? Math.max(1, Math.min(100, Math.round(resolved.suspectAfterMs / 4))),
  };
}

/** What the options let one expect of a silent server, and a second for the machine. */
function expectedRecoveryMs({ databases, suspectAfterMs }: ValidatedOptions): number {
  const timeouts = databases.flatMap(({ healthChecks }) =>
    healthChecks.map(({ timeoutMs }) => timeoutMs),
  );
  const patience = databases.map(({ unhealthyAfterMs }) => unhealthyAfterMs);
  return suspectAfterMs + Math.max(0, ...timeouts) + Math.max(0, ...patience) + 1000;
}
