import { createHash } from 'node:crypto';
import type { CommandArgument } from '../core/command-argument.js';
import type { Batch, CalledScript, CalledScripts } from '../drivers/driver.js';

type Arguments = readonly CommandArgument[];

/** Bounds of what one group remembers: number of scripts, and their size in bytes. */
const MOST_SCRIPTS = 2000;
const MOST_BYTES = 16 * 2 ** 20;

/** One call of a script whose source is known, as a batch of one command. */
export interface ScriptCall extends Batch {
  readonly kind: 'single';
  readonly scripts: CalledScripts;
  /** The server did not know the script, and the call was sent again. */
  wasMissing: boolean;
}

/**
 * The sources of the scripts that the clients of a group have loaded (SCRIPT LOAD), by their SHA-1
 * digest. A connection loads a script ahead of the first command that calls it by its digest,
 * because the server at its other end may not know it: after a switch, a restart, or a redirection
 * to another node.
 *
 * Memory is bounded: beyond 2000 scripts or 16 MiB, those that were not used for the longest time
 * are forgotten. A call of a forgotten script is sent as it is.
 */
export class ScriptSources {
  /** The least recently used one comes first. */
  readonly #sources = new Map<string, CalledScript>();
  #bytes = 0;
  /**
   * Changes whenever servers may have lost scripts: what connections have loaded before counts for
   * nothing.
   */
  epoch = 0;

  get size(): number {
    return this.#sources.size;
  }

  /** Remembers the source of a script. */
  remember(source: CommandArgument | undefined): void {
    if (source === undefined || Buffer.byteLength(source) > MOST_BYTES) return;
    const sha = digestOf(source);
    if (sha === undefined) return;
    this.#forget(sha);
    // A Buffer may change in the hands of the caller.
    const kept = typeof source === 'string' ? source : Buffer.from(source);
    this.#sources.set(sha, { sha, source: kept });
    this.#bytes += Buffer.byteLength(kept);
    for (const oldest of this.#sources.keys()) {
      if (this.#sources.size <= MOST_SCRIPTS && this.#bytes <= MOST_BYTES) break;
      this.#forget(oldest);
    }
  }

  /** Whether the source of the script with this digest, in lower case, is remembered. */
  knows(sha: string): boolean {
    return this.#sources.has(sha);
  }

  /** The call of one script; `undefined` if its source is unknown. */
  callOf(args: Arguments): ScriptCall | undefined {
    const script = this.#find(args);
    if (script === undefined) return undefined;
    return {
      kind: 'single',
      commands: [args],
      scripts: this.#called([script]),
      wasMissing: false,
    };
  }

  /** The batch together with the sources of the scripts that it calls. */
  withScripts(batch: Batch): Batch {
    let called: Set<CalledScript> | undefined;
    for (const args of batch.commands) {
      if (!callsByDigest(args)) continue;
      const script = this.#find(args);
      if (script === undefined) continue;
      called ??= new Set();
      called.add(script);
    }
    return called === undefined ? batch : { ...batch, scripts: this.#called([...called]) };
  }

  /** Servers may have lost their scripts: each connection loads them again when they are needed. */
  invalidate(): void {
    this.epoch += 1;
  }

  /**
   * A server did not know a script although it had been loaded in `epoch`. Of many calls that fail
   * for one reason, only the first invalidates.
   */
  onMissing({ epoch }: CalledScripts): void {
    if (epoch === this.epoch) this.invalidate();
  }

  #called(scripts: readonly CalledScript[]): CalledScripts {
    return { scripts, epoch: this.epoch, currentEpoch: () => this.epoch };
  }

  #find(args: Arguments): CalledScript | undefined {
    const sha = String(args[1]).toLowerCase();
    const script = this.#sources.get(sha);
    if (script === undefined) return undefined;
    this.#sources.delete(sha);
    this.#sources.set(sha, script);
    return script;
  }

  #forget(sha: string): void {
    const script = this.#sources.get(sha);
    if (script === undefined) return;
    this.#sources.delete(sha);
    this.#bytes -= Buffer.byteLength(script.source);
  }
}

/** EVALSHA and EVALSHA_RO, in any case. */
export function callsByDigest(args: Arguments): boolean {
  const length = args[0]?.length;
  if (length !== 7 && length !== 10) return false;
  const name = String(args[0]).toUpperCase();
  return name === 'EVALSHA' || name === 'EVALSHA_RO';
}

function digestOf(source: CommandArgument): string | undefined {
  try {
    return createHash('sha1').update(source).digest('hex');
  } catch {
    // SHA-1 may be disabled in this process; scripts are then not remembered.
    return undefined;
  }
}
