/** Filters and replies for `answerWith`. */
import type { Command } from './command-tracker.js';

/** For `answerWith`: every command but those named (in any case). */
export function allBut(...names: string[]): (command: Command) => boolean {
  const matches = only(...names);
  return (command) => !matches(command);
}

/** For `answerWith`: the commands named (in any case). */
export function only(...names: string[]): (command: Command) => boolean {
  const upper = new Set(names.map((name) => name.toUpperCase()));
  return (command) => upper.has((command[0] as string).toUpperCase());
}

/** Returns raw RESP with a CRLF at its end, added if missing. */
export function terminated(raw: string | Buffer): Buffer {
  const bytes = Buffer.from(raw as string);
  return bytes.subarray(-2).toString() === '\r\n'
    ? bytes
    : Buffer.concat([bytes, Buffer.from('\r\n')]);
}
