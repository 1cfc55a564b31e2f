/** The command `drill`. */
import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { AppError, type Application } from '../../drill/app/application.js';
import { AppRehearsal } from '../../drill/app/rehearse.js';
import { Rehearsal } from '../../drill/rehearsal/rehearse.js';
import { type DrillSettings, FAULTS, type FaultName } from '../../drill/rehearsal/settings.js';
import { report } from '../../drill/report/report.js';
import { summary } from '../../drill/report/summary.js';
import type { ValidatedOptions } from '../../options/validate.js';
import { EXIT, FailedError, UsageError } from '../exit.js';
import { Output } from '../output.js';
import { onSignal } from '../signals.js';
import { foreignAddresses, readTarget, type Target } from '../target.js';
import { clientVersion } from '../versions.js';
import { type AppOptions, foreignHosts, readApplication } from './application.js';
import { type OwnServers, startOwnServers } from './own-servers.js';
import { isEncrypted, preflight, refuseImpossible } from './preflight.js';
import { Progress } from './progress.js';

export interface DrillOptions extends AppOptions {
  readonly faults?: readonly FaultName[];
  readonly goalRecoveryMs?: number;
  readonly goalErrors?: number;
  readonly rate?: number;
  readonly callers?: number;
  readonly hold: number;
  readonly delay?: number;
  readonly realTiming?: boolean;
  readonly prefix: string;
  readonly report: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** The default load: the highest one is for the drill's own servers, which have no other users. */
const LOAD = {
  own: { rate: 1000, callers: 50 },
  others: { rate: 200, callers: 20 },
  application: { rate: 100, callers: 10 },
};

/** Runs a drill. Resolves to the exit code, and leaves nothing behind in any case. */
export async function drill(args: readonly string[], options: DrillOptions): Promise<number> {
  const output = new Output(options);
  const given = args.length > 0 ? await readTarget(args) : undefined;
  if (given !== undefined) {
    refuseImpossible(given, options.faults ?? []);
  }
  checkReportPath(options.report);
  const application = readApplication(options, given === undefined);
  if (application?.status === undefined && application && options.faults?.includes('switch')) {
    throw new UsageError('The fault switch requires --status');
  }
  if (!(await agreed(given, application, options, output))) return EXIT.usage;
  let own: OwnServers | undefined;
  let rehearsal: Rehearsal | AppRehearsal | undefined;
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
    const settings = settingsOf(target, options, own !== undefined, application !== undefined);
    output.progress('  checking the databases ...');
    const { versions, groups } = await preflight(target, settings.prefix);
    output.terminal.close();
    if (isOver) return EXIT.problems;
    const all = [
      ...versions,
      `@redis/client ${clientVersion()}`,
      `Node.js ${process.versions.node}`,
    ];
    const plan = { ...target, settings, groups, versions: all };
    if (application !== undefined) output.progress('  starting the application ...');
    rehearsal =
      application === undefined
        ? await Rehearsal.create({ ...plan, realTiming: options.realTiming ?? false })
        : await AppRehearsal.create({ ...plan, application });
    const result = await rehearsal.run(new Progress(output, all));
    if (isOver) return EXIT.problems;
    save(options.report, report(result));
    if (output.json) output.document({ report: 'drill', ...result });
    output.print(
      ...summary(result, output.paint, output.columns),
      `  Report: ${pathToFileURL(path.resolve(options.report))}`,
      '',
    );
    return result.ok ? EXIT.ok : EXIT.problems;
  } catch (error) {
    if (error instanceof AppError) throw new FailedError(error.message);
    throw error;
  } finally {
    await clean();
    unlisten();
  }
}

/** Checks the report path before anything is started. Throws if it can't be used. */
function checkReportPath(file: string): void {
  const refuse = (why: string) => new UsageError(`--report ${file}: ${why}`);
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) throw refuse('is a directory');
  const directory = path.dirname(path.resolve(file));
  const place = statSync(directory, { throwIfNoEntry: false });
  if (!place?.isDirectory()) throw refuse(`there is no directory ${directory}`);
  try {
    accessSync(existsSync(file) ? file : directory, constants.W_OK);
  } catch {
    throw refuse('cannot be written');
  }
}

function save(file: string, page: string): void {
  try {
    writeFileSync(file, page);
  } catch (error) {
    throw new FailedError(`The report cannot be written: ${(error as Error).message}`);
  }
}

async function agreed(
  target: Target | undefined,
  application: Application | undefined,
  { yes }: DrillOptions,
  output: Output,
): Promise<boolean> {
  const foreign = target ? foreignAddresses(target) : [];
  const hosts = application === undefined ? [] : foreignHosts(application);
  if (yes || foreign.length + hosts.length === 0) return true;
  const { callers, rate } = LOAD.others;
  const databases = foreign.map(([id, address]) => `  ${id}  ${address}`);
  const question =
    application === undefined
      ? [
          `The drill sends about ${rate} commands a second of ${callers} callers to databases that are not on this machine:`,
          ...databases,
          'It writes its own keys there and deletes them. It changes nothing else: the faults happen in local proxies.',
        ]
      : [
          'The drill starts your application and sends it requests; what is not on this machine is',
          ...databases,
          ...hosts.map((host) => `  the application at ${host}`),
          'The application executes the requests. The drill changes nothing else: the faults happen in local proxies.',
        ];
  return output.confirm([...question, 'Go on?'], '--yes');
}

function settingsOf(
  { resolved }: Target,
  options: DrillOptions,
  isOwn: boolean,
  isApp: boolean,
): DrillSettings {
  const { rate, callers } = isApp ? LOAD.application : isOwn ? LOAD.own : LOAD.others;
  const isTls = resolved.databases.some(({ client }) => isEncrypted(client));
  // An application may not allow a manual switch.
  const isSlowNoticed = resolved.databases[0]?.failureDetector.slowCallMs !== undefined;
  const left = [
    ...(isTls ? ['read-only'] : []),
    ...(isApp ? ['switch'] : []),
    ...(isSlowNoticed ? [] : ['slow']),
  ];
  const faults = options.faults ?? FAULTS.filter((name) => !left.includes(name));
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

/**
 * The expected recovery time from a silent or slow server by the options, plus a second for the machine.
 */
function expectedRecoveryMs({ databases, suspectAfterMs }: ValidatedOptions): number {
  const timeouts = databases.flatMap(({ healthChecks }) =>
    healthChecks.map(({ timeoutMs }) => timeoutMs),
  );
  const patience = databases.map(({ unhealthyAfterMs }) => unhealthyAfterMs);
  // Of slow calls: the window, some late replies, and PINGs to compare.
  const slow = databases.map(({ failureDetector: { slowCallMs, slidingWindowSizeMs } }) =>
    slowCallMs === undefined ? 0 : slidingWindowSizeMs + 6 * slowCallMs,
  );
  const noticeMs = Math.max(suspectAfterMs + Math.max(0, ...timeouts), ...slow);
  return noticeMs + Math.max(0, ...patience) + 1000;
}
