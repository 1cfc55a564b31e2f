import type { Timer } from '../clock.js';
import { fitting, padEnd, padStart, type Terminal, wrap } from '../terminal.js';
import { every } from '../test-bed/wire/wait.js';
import type { Recorder } from './load/recorder.js';
import { count, duration, moment, name } from './report/format.js';
import type { DatabaseInfo, OutageKind, Setting, SwitchRecord } from './report/model.js';
import type { Step, StepRun } from './script/step.js';

const FRAME_MS = 100;
const PLAIN_STATUS_MS = 5000;
const BAR_COLUMNS = { wide: 20, narrow: 10 };
const WIDE = 120;
const MARGIN = '  ';
const TIME_COLUMNS = 8;
/** Where the text of an event begins. */
const INDENT = MARGIN.length + TIME_COLUMNS + 2;

/** The script and the databases that it is played on. */
export interface Script {
  readonly steps: readonly Step<never>[];
  readonly warmUpMs: number;
  readonly ids: readonly string[];
  /** The present fault of a database. */
  stateOf(id: string): OutageKind | 'up';
}

/** The terminal display while the script is played. */
export class View {
  #timer: Timer | undefined;
  #run: { index: number; run: StepRun<never> } | undefined;

  constructor(
    private readonly terminal: Terminal,
    private readonly recorder: Recorder,
    private readonly script: Script,
  ) {}

  start(): void {
    const everyMs = this.terminal.traits.live ? FRAME_MS : PLAIN_STATUS_MS;
    this.#timer = every(everyMs, () => this.#tick());
    this.recorder.on('switch', (record) => this.#switch(record));
  }

  stop(): void {
    this.#timer?.cancel();
    this.terminal.close();
  }

  step(index: number, run: StepRun<never>): void {
    const { paint } = this.terminal;
    this.#run = { index, run };
    const number = paint('dim', `${index + 1}/${this.script.steps.length}`);
    this.terminal.print('');
    this.#event(run.beganAt, `${number}  ${paint('bold', run.step.title)}`);
    this.#detail(' ', paint('dim', run.step.action));
  }

  /** The step's state was reached. */
  served({ step, beganAt }: StepRun<never>, at: number): void {
    const { paint } = this.terminal;
    const took = paint('bold', duration(at - beganAt));
    const what =
      step.sign ??
      (step.expected === undefined ? 'first typed error' : `first reply from ${step.expected}`);
    this.#detail(paint('green', '✓'), `${what} after ${took}`);
  }

  note(text: string): void {
    const { paint, columns } = this.terminal;
    const room = Math.max(40, columns - INDENT - 3);
    wrap(text, room).forEach((line, at) => {
      this.#detail(at === 0 ? paint('dim', '·') : ' ', paint('dim', line));
    });
  }

  failure(text: string): void {
    const { paint } = this.terminal;
    this.#detail(paint('red', '✗'), paint('red', text));
  }

  #switch({ at, from, to, reason, cause, durationMs }: SwitchRecord): void {
    const { paint } = this.terminal;
    const target = to === undefined ? paint('red', name(to)) : paint('cyan', to);
    const words = `${from === undefined ? name(from) : from} → ${target}`;
    const sign = durationMs > 0 ? `${duration(durationMs)} after the first sign` : '';
    if (reason === 'initial') this.#event(at, `${paint('cyan', name(to))} is active`);
    else this.#detail(paint('cyan', '→'), fitting([padEnd(words, 20), reason], 200));
    if (reason === 'initial') return;
    this.note([cause, sign].filter((text) => text !== '').join(', '));
  }

  #event(at: number, text: string): void {
    const time = this.terminal.paint('dim', padStart(moment(at), TIME_COLUMNS));
    this.terminal.print(`${MARGIN}${time}  ${text}`);
  }

  #detail(symbol: string, text: string): void {
    this.terminal.print(`${' '.repeat(INDENT)}${symbol}  ${text}`);
  }

  #tick(): void {
    const { terminal, recorder } = this;
    const now = recorder.now();
    const line = this.#statusParts();
    if (terminal.traits.live) {
      const bar = `${MARGIN}${padStart(moment(now), TIME_COLUMNS)}  ${this.#bar(now)}`;
      terminal.status(fitting([bar, ...line], terminal.columns - 1));
    } else this.#event(now, `${' '.repeat(3)}${line.join('  ')}`);
  }

  #statusParts(): string[] {
    const { paint } = this.terminal;
    const { perSecond, p99Ms } = this.recorder.series.recent;
    return [
      this.script.ids.map((id) => this.#database(id)).join('  '),
      `${padStart(count(perSecond), 5)}/s`,
      `${paint('dim', 'p99')} ${padEnd(duration(p99Ms), 7)}`,
      `${paint('dim', 'errors')} ${this.#errors()}`,
    ];
  }

  #database(id: string): string {
    const { paint } = this.terminal;
    const state = this.script.stateOf(id);
    if (this.recorder.active === id) return paint('cyan', `● ${id}`);
    if (state === 'down') return paint('red', `✗ ${id}`);
    if (state !== 'up') return paint('yellow', `‖ ${id}`);
    return paint('dim', `○ ${id}`);
  }

  #errors(): string {
    const { paint } = this.terminal;
    const { readers, writers, unavailable } = this.recorder.errorTotals;
    const shown = `${count(readers)} readers ${count(writers)} writers`;
    const text = unavailable > 0 ? `${shown} ${count(unavailable)} all down` : shown;
    return readers > 0 ? paint('red', text) : text;
  }

  /** By the steps that are done and the time that the current one takes about. */
  #bar(now: number): string {
    const { paint, columns } = this.terminal;
    const length = columns < WIDE ? BAR_COLUMNS.narrow : BAR_COLUMNS.wide;
    const all = this.#until(this.script.steps.length);
    const share = Math.min(1, this.#doneMs(now) / all);
    const filled = Math.round(share * length);
    return paint('cyan', '━'.repeat(filled)) + paint('dim', '─'.repeat(length - filled));
  }

  #doneMs(now: number): number {
    if (this.#run === undefined) return Math.min(now, this.script.warmUpMs);
    const { index, run } = this.#run;
    return this.#until(index) + Math.min(now - run.beganAt, run.step.expectedMs);
  }

  /** What the steps before the `index`th take about. */
  #until(index: number): number {
    const { steps, warmUpMs } = this.script;
    return steps.slice(0, index).reduce((sum, { expectedMs }) => sum + expectedMs, warmUpMs);
  }
}

export interface Opening {
  readonly title: string;
  readonly versions: readonly string[];
  readonly databases: readonly DatabaseInfo[];
  readonly traffic: string;
  readonly mix: string;
  readonly settings: readonly Setting[];
  readonly settingsNote: string;
}

/** The lines before a drill, with the settings that were shortened for it. */
export function opening({ paint, columns }: Terminal, about: Opening): string[] {
  const label = (text: string) => MARGIN + paint('dim', padEnd(text, 11));
  const under = ' '.repeat(MARGIN.length + 11);
  const block = (title: string, lines: readonly string[]) =>
    lines.map((line, at) => (at === 0 ? label(title) : under) + line);
  const room = Math.max(40, columns - under.length - 1);
  const { databases, settings } = about;
  const nameColumns = Math.max(...settings.map((each) => each.name.length)) + 2;
  return [
    '',
    `${MARGIN}${paint('bold', about.title)}  ${paint('dim', about.versions.join(' · '))}`,
    '',
    ...block(
      'databases',
      databases.map(({ id, weight, address }) => `${padEnd(id, 7)}weight ${weight}   ${address}`),
    ),
    '',
    ...block('traffic', [about.traffic, ...wrap(about.mix, room)]),
    '',
    ...block(
      'settings',
      settings.map(
        ({ name, value, defaultValue }) =>
          padEnd(name, nameColumns) +
          (defaultValue === ''
            ? value
            : padStart(value, 5) + paint('dim', `   default ${defaultValue}`)),
      ),
    ),
    `${under}${paint('dim', about.settingsNote)}`,
    '',
  ];
}
