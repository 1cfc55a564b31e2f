/** The commands `status`, `watch` and `switch`. */

import { stripVTControlCharacters } from 'node:util';
import { duration } from '../../drill/report/format.js';
import type { Status } from '../../http/status.js';
import { wrap } from '../../terminal.js';
import { EXIT, FailedError, requireKnown, UsageError } from '../exit.js';
import { Output } from '../output.js';
import { onSignal } from '../signals.js';
import { readTarget } from '../target.js';
import type { ServerEvent } from './event-source.js';
import { fleetStatus, watchFleet } from './fleet.js';
import { isHttpUrl, Remote } from './remote.js';
import { eventText, statusText } from './text.js';

export interface LiveOptions {
  readonly header: readonly string[];
  readonly json: boolean;
  /** Time within which an application must answer, in milliseconds. */
  readonly timeout: number;
}

interface Source {
  readonly name: string;
  status(): Promise<Status>;
  events(signal: AbortSignal): AsyncGenerator<ServerEvent>;
  close(): void;
}

/** Prints the status. Resolves to exit code 0 while a database serves, else 1. */
export async function status(args: readonly string[], options: LiveOptions): Promise<number> {
  const output = new Output(options);
  const remotes = remotesOf(args, options);
  if (remotes.length > 1) return fleetStatus(remotes, output);
  const source = await open(args, remotes, output);
  try {
    const found = await source.status();
    output.terminal.close();
    if (output.json) output.document(found);
    else output.print(...statusText(found, source.name, output.paint, output.columns));
    return found.ready ? EXIT.ok : EXIT.problems;
  } finally {
    source.close();
  }
}

/** Watches until Ctrl-C, and reconnects if the application goes away. */
export async function watch(args: readonly string[], options: LiveOptions): Promise<number> {
  const output = new Output(options);
  const remotes = remotesOf(args, options);
  if (remotes.length > 1) return watchFleet(remotes, output);
  const source = await open(args, remotes, output);
  const abort = new AbortController();
  const unlisten = onSignal(async () => {
    abort.abort();
    source.close();
    output.terminal.end();
  });
  let last: ServerEvent | undefined;
  const unsize = output.terminal.onResize(() => {
    if (last !== undefined && !output.json) show(last, last, source, output);
  });
  try {
    for await (const event of source.events(abort.signal)) {
      if (abort.signal.aborted) break;
      show(event, last, source, output);
      if (event.event === 'status') last = event;
    }
    throw new FailedError(`${source.name} has ended the stream.`);
  } finally {
    unsize();
    unlisten();
    source.close();
    output.terminal.close();
  }
}

function show(
  event: ServerEvent,
  last: ServerEvent | undefined,
  source: Source,
  output: Output,
): void {
  const { terminal, paint } = output;
  if (output.json) output.line({ event: event.event, data: event.data });
  else if (event.event === 'status') {
    const lines = () => statusLines(event, source, output);
    if (terminal.traits.live) terminal.frame(lines());
    else if (last === undefined) output.print(...lines());
  } else {
    const text = eventText(event, paint);
    if (text === undefined) return;
    if (!terminal.traits.live) output.print(`  ${text}`);
    // Other events show in the status, which is redrawn a moment later.
    else if (event.event === 'lost' && last !== undefined) {
      const stale = statusLines(last, source, output).map(stripVTControlCharacters);
      terminal.frame([
        '',
        ...wrap(`  ${text}`, output.columns),
        ...stale.map((l) => paint('dim', l)),
      ]);
    }
  }
}

function statusLines({ data }: ServerEvent, { name }: Source, output: Output): string[] {
  return statusText(data as Status, name, output.paint, output.columns);
}

export interface SwitchOptions extends LiveOptions {
  readonly url: string;
  readonly for?: number;
  readonly hold: boolean;
  readonly unchecked: boolean;
  readonly release: boolean;
  readonly yes: boolean;
}

export async function switchTo(id: string, options: SwitchOptions): Promise<number> {
  const { unchecked } = options;
  const isLimited = options.hold || options.for !== undefined;
  if (unchecked && !isLimited) throw new UsageError('--unchecked needs --for or --hold.');
  if (options.release && (unchecked || isLimited)) {
    throw new UsageError('--release cannot be combined with --for, --hold or --unchecked.');
  }
  const output = new Output(options);
  const remote = new Remote(options.url, options.header, options.timeout);
  const before = await remote.status();
  requireKnown(id, before.databases);
  if (options.release) return release(id, remote, output, options);
  const durationMs = options.hold ? null : options.for;
  if (!options.yes && !(await output.confirm(question(before, id, durationMs, unchecked), '--yes')))
    return EXIT.usage;
  const active = await remote.switchTo(id, durationMs, unchecked);
  if (output.json)
    output.document({
      report: 'switch',
      from: before.activeDatabase,
      activeDatabase: active,
      durationMs: durationMs ?? null,
      unchecked,
    });
  if (active === id) {
    const after = output.json ? before : await remote.status().catch(() => before);
    output.print(`${id} is active. ${holdText(after, id, durationMs, unchecked)}`.trimEnd());
  } else output.print(`${active ?? 'No database'} is active, not ${id}.`);
  return active === id ? EXIT.ok : EXIT.problems;
}

/** Ends a forced switch. */
async function release(
  id: string,
  remote: Remote,
  output: Output,
  { yes }: SwitchOptions,
): Promise<number> {
  const lines = [`The client chooses by itself again whether it stays on ${id}.`, 'Release?'];
  if (!yes && !(await output.confirm(lines, '--yes'))) return EXIT.usage;
  const released = await remote.release(id);
  if (output.json) output.document({ report: 'release', databaseId: id, released });
  output.print(released ? `${id} is released.` : `${id} was not forced.`);
  return released ? EXIT.ok : EXIT.problems;
}

/** Describes how long a switch to `id` lasts; empty: as long as no database is better. */
function holdText(
  { at, databases, nextFailbackCheckAt }: Status,
  id: string,
  durationMs: number | null | undefined,
  unchecked: boolean,
): string {
  if (unchecked) {
    const time =
      durationMs === null || durationMs === undefined
        ? 'until it is released or the next manual switch'
        : `for ${duration(durationMs)}`;
    return `It stays active ${time}, whatever happens: if it fails, commands fail.`;
  }
  if (durationMs === null)
    return 'It stays active until the next manual switch, or until it fails.';
  if (durationMs !== undefined) {
    return `It stays active for ${duration(durationMs)}, without failback, unless it fails.`;
  }
  const target = databases.find((database) => database.id === id);
  const heavier = databases.filter(
    ({ weight, drained }) => weight > (target?.weight ?? 0) && !drained,
  );
  if (heavier.length === 0) return '';
  // An older application does not report it.
  const leftMs = Date.parse(nextFailbackCheckAt ?? '') - Date.parse(at);
  const when = leftMs >= 0 ? `, in about ${duration(leftMs)}` : '';
  const names = heavier.map((each) => each.id).join(' or ');
  return `Failback to ${names} may leave it at the next failback check${when}.`;
}

/** Describes the effect of the switch before it is confirmed. */
function question(
  status: Status,
  id: string,
  durationMs: number | null | undefined,
  unchecked: boolean,
): string[] {
  const { activeDatabase, databases } = status;
  const target = databases.find((database) => database.id === id);
  const until = holdText(status, id, durationMs, unchecked);
  const check = unchecked ? 'it is not probed first' : 'one probe must succeed first';
  const state = (target?.details ?? []).join('; ');
  return [
    activeDatabase === id
      ? `${id} is active already; ${check}.`
      : `All new commands will go to ${id} instead of ${activeDatabase ?? 'no database'}; ${check}.`,
    ...(until === '' ? [] : [until]),
    ...(target?.active || state === '' ? [] : [`${id}: ${state}.`]),
    'Switch?',
  ];
}

/** The applications that the arguments name; none if they name databases. */
function remotesOf(args: readonly string[], { header, timeout }: LiveOptions): Remote[] {
  const urls = args.filter(isHttpUrl);
  if (urls.length > 0 && urls.length < args.length) {
    throw new UsageError(
      'Expected URLs of applications alone, without databases or a config file.',
    );
  }
  const remotes = urls.map((url) => new Remote(url, header, timeout));
  const names = new Set(remotes.map(({ name }) => name));
  if (names.size < remotes.length) throw new UsageError('Name each application once.');
  return remotes;
}

async function open(
  args: readonly string[],
  [remote]: readonly Remote[],
  output: Output,
): Promise<Source> {
  if (remote !== undefined) return Object.assign(remote, { close: () => {} });
  const target = await readTarget(args);
  output.progress('  probing ...');
  const { Local } = await import('./local.js');
  const local = new Local(target);
  try {
    await local.open();
    return local;
  } catch (error) {
    local.close();
    output.terminal.close();
    throw error;
  }
}
