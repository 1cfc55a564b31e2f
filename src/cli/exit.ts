/** The exit codes. 130 and 143 stand for SIGINT and SIGTERM, as usual. */
export const EXIT = { ok: 0, problems: 1, usage: 2, interrupted: 130 } as const;

/** The arguments are invalid; the message explains why. */
export class UsageError extends Error {}

/** Throws `UsageError` if no database has the id. */
export function requireKnown(id: string, databases: readonly { readonly id: string }[]): void {
  if (databases.some((each) => each.id === id)) return;
  const known = databases.map((each) => each.id).join(', ');
  throw new UsageError(`No database has this id; known databases: ${known}.`);
}

/** The command failed; the message explains why. */
export class FailedError extends Error {}

/** Ctrl-C at a question: nothing was started, and nothing is printed. */
export class InterruptedError extends Error {}
