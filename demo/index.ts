/**
 * `npm run demo`: three real servers, one client, real traffic, and everything that can happen to
 * them. Ends with 1 if any promise was broken, with 2 for arguments that it does not know.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Load } from '../src/drill/load/commands.js';
import { Recorder } from '../src/drill/load/recorder.js';
import { Series } from '../src/drill/load/series.js';
import { counted } from '../src/drill/report/format.js';
import { report } from '../src/drill/report/report.js';
import { summary } from '../src/drill/report/summary.js';
import { opening, View } from '../src/drill/view.js';
import { Terminal, traitsOf } from '../src/terminal.js';
import { stopAll } from '../test/kit/index.js';
import { type Arguments, HELP, readArguments } from './arguments.js';
import { HedgedReads } from './hedged-reads.js';
import { createClient, perform } from './run.js';
import { SCRIPT, WARM_UP_MS } from './script.js';
import { KEY_PREFIX, Servers, WHERE_KEY } from './servers.js';
import { CALLERS, RATE_PER_SECOND, SETTINGS_NOTE, shownSettings, TITLE } from './settings.js';

let args: Arguments;
try {
  args = readArguments(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
  process.exit(2);
}

if (args.help) console.log(HELP);
else {
  try {
    process.exitCode = await main(args);
  } catch (error) {
    console.error(error);
    await stopAll();
    process.exit(1);
  }
}

async function main({ plain, report: reportFile, json }: Arguments): Promise<number> {
  const { stdout } = process;
  const terminal = new Terminal(stdout, traitsOf(stdout.isTTY === true, plain, process.env));
  endWithTheTerminal(terminal);

  const startedAt = new Date();
  let origin = performance.now();
  const now = () => performance.now() - origin;
  const servers = await Servers.start(now);
  const versions = await versionsOf(servers);
  const traffic = `${counted(CALLERS, 'caller')}, ${counted(RATE_PER_SECOND, 'command')} per second, each write with its own token`;
  const settings = shownSettings();
  const load = new Load({ prefix: KEY_PREFIX, where: WHERE_KEY });
  terminal.print(
    ...opening(terminal, {
      title: TITLE,
      versions,
      databases: servers.infos,
      traffic,
      mix: load.text,
      settings,
      settingsNote: SETTINGS_NOTE,
    }),
  );

  // The time of the run begins now: the start of the servers is no part of it.
  origin = performance.now();
  const recorder = new Recorder(now, new Series(now), true);
  noteUnhandled(recorder);
  const view = new View(terminal, recorder, {
    steps: SCRIPT,
    warmUpMs: WARM_UP_MS,
    ids: servers.ids,
    stateOf: (id) => servers.stateOf(id),
  });
  const client = createClient(servers);
  const hedged = new HedgedReads(servers, now);
  const result = await perform({
    servers,
    client,
    hedged,
    load,
    recorder,
    view,
    versions,
    startedAt,
  });

  terminal.print(...summary(result, terminal.paint, terminal.columns));
  writeFileSync(reportFile, report(result));
  terminal.print(`  Report: ${pathToFileURL(path.resolve(reportFile))}`);
  if (json !== undefined) {
    writeFileSync(json, `${JSON.stringify(result, undefined, 2)}\n`);
    terminal.print(`  Data:   ${path.resolve(json)}`);
  }
  terminal.print('');
  return result.ok ? 0 : 1;
}

const END_MS = 3000;

/** Ctrl-C and a closed terminal end the servers too, and give the cursor back. */
function endWithTheTerminal(terminal: Terminal): void {
  let ending = false;
  const end = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => {
    // One Ctrl-C can come twice: from the terminal, and handed on by npm.
    if (ending) return;
    ending = true;
    const code = 128 + constants.signals[signal];
    terminal.end();
    void stopAll().finally(() => process.exit(code));
    // What the test kit started dies with the process, however it ends.
    setTimeout(() => process.exit(code), END_MS);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  process.stdout.on('error', () => process.exit(1));
  process.on('exit', () => terminal.close());
}

/** Either would end an application. */
function noteUnhandled(recorder: Recorder): void {
  process.on('unhandledRejection', (reason) => {
    recorder.unhandled.push(`unhandled rejection: ${reason}`);
  });
  process.on('uncaughtException', (error) => {
    recorder.unhandled.push(`uncaught exception: ${error.stack}`);
  });
}

async function versionsOf(servers: Servers): Promise<string[]> {
  const [first = ''] = servers.ids;
  const redis = await servers.get(first).info('redis_version');
  const manifest = path.join(import.meta.dirname, '../node_modules/@redis/client/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return [
    `redis-server ${redis}`,
    `@redis/client ${version}`,
    `Node.js ${process.version.slice(1)}`,
  ];
}
