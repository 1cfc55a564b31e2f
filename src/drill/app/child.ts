/** The application of a drill as a child process: no part of it outlives the drill. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cleanText } from '../../clean-text.js';
import { systemClock } from '../../clock.js';
import { redact } from '../../http/redact.js';
import { unwatchProcess, watchProcess } from '../../test-bed/server/watchdog.js';
import { sleep } from '../../test-bed/wire/wait.js';

/** How the process ended: with a code, by a signal, or with an error if it never started. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: string;
}

export interface Stopped extends Ending {
  readonly afterMs: number;
  /** The process did not end in time. */
  readonly killed: boolean;
  /** Processes that it had started were still running. */
  readonly leftOthers: boolean;
}

export interface ChildPlan {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Texts that must never be shown. */
  readonly secrets: readonly string[];
}

const KEPT_LINES = 20;
const KEPT_LENGTH = 300;
/** Maximum length of a line of output, before it is masked. */
const LONGEST_LINE = 16 * 1024;
const LAST_WORDS_MS = 300;
/** Time in milliseconds that its child processes may take to end after it. */
const OTHERS_MS = 5000;

export class AppProcess {
  /** Resolves, never rejects, when the process has ended. */
  readonly ended: Promise<Ending>;
  ending: Ending | undefined;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #endedAt = 0;

  constructor(private readonly plan: ChildPlan) {
    const { command, args, env } = plan;
    // A process group of its own, so that all its children can be ended with it, and Ctrl-C only
    // reaches it through the drill.
    this.#child = spawn(command, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const { pid } = this.#child;
    if (pid !== undefined) watchProcess(-pid);
    this.#keep(this.#child.stdout);
    this.#keep(this.#child.stderr);
    this.ended = new Promise((resolve) => {
      const end = (ending: Ending) => {
        this.ending ??= ending;
        resolve(this.ending);
      };
      this.#child.once('error', (error: NodeJS.ErrnoException) => {
        if (pid !== undefined) return;
        const missing = error.code === 'ENOENT';
        end({ code: null, signal: null, error: missing ? 'no such command' : error.message });
      });
      this.#child.once('exit', (code, signal) => {
        this.ending = { code, signal };
        this.#endedAt = systemClock.now();
        // Its last output may still be on the way, and a child that inherited the pipe may keep it
        // open.
        systemClock.after(LAST_WORDS_MS, () => end({ code, signal }), { keepAlive: true });
      });
      this.#child.once('close', (code, signal) => {
        if (pid !== undefined) end({ code, signal });
      });
    });
  }

  /** The last lines of its output, without URLs and passwords. */
  get lastLines(): readonly string[] {
    return this.#lines;
  }

  /**
   * Sends SIGTERM to the process alone, as an orchestrator does; sends SIGKILL to its whole group
   * after `withinMs`.
   */
  async stop(withinMs: number): Promise<Stopped> {
    const beganAt = systemClock.now();
    let killed = false;
    const timer = systemClock.after(
      withinMs,
      () => {
        killed = true;
        this.#signalAll('SIGKILL');
      },
      { keepAlive: true },
    );
    if (this.ending === undefined) this.#child.kill('SIGTERM');
    const ending = await this.ended;
    timer.cancel();
    const afterMs = Math.max(0, this.#endedAt - beganAt);
    const giveUpAt = systemClock.now() + OTHERS_MS;
    const { pid } = this.#child;
    while (pid !== undefined && hasMembers(pid) && systemClock.now() < giveUpAt) await sleep(20);
    const leftOthers = pid !== undefined && hasMembers(pid) && !killed;
    this.#signalAll('SIGKILL');
    this.#release();
    return { ...ending, afterMs, killed, leftOthers };
  }

  #signalAll(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // No process is left.
    }
  }

  #release(): void {
    if (this.#child.pid !== undefined) unwatchProcess(-this.#child.pid);
    // A process that inherited the pipes could keep the drill alive.
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  #keep(stream: NodeJS.ReadableStream | null): void {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      // A line without an end: its start is kept, the rest is dropped.
      if (rest.length > LONGEST_LINE) rest = rest.slice(0, LONGEST_LINE);
      this.#add(lines);
    });
    stream?.on('end', () => this.#add([rest]));
    stream?.on('error', () => {});
  }

  #add(lines: readonly string[]): void {
    const kept = lines.filter((line) => line.trim() !== '');
    this.#lines.push(...kept.slice(-KEPT_LINES).map((line) => this.#clean(line)));
    this.#lines.splice(0, this.#lines.length - KEPT_LINES);
  }

  /** Masks a line before it is cut, because half a secret would not be recognised. */
  #clean(line: string): string {
    let text = line.slice(0, LONGEST_LINE);
    for (const secret of this.plan.secrets) text = text.replaceAll(secret, '[secret]');
    return cleanText(redact(text), KEPT_LENGTH);
  }
}

/** Whether processes of the group are running. Zombies do not count. */
function hasMembers(group: number): boolean {
  if (process.platform === 'linux') {
    return readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && runsIn(pid, group));
  }
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}

function runsIn(pid: string, group: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = '', , ofGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(ofGroup) === group && !'ZX'.includes(state);
  } catch {
    return false;
  }
}

/** "ended with code 3", "was ended by SIGKILL", "could not be started: no such command". */
export function endingText({ code, signal, error }: Ending): string {
  if (error !== undefined) return `could not be started: ${error}`;
  return signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
}
