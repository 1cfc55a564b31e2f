/** The exit codes. 130 and 143 stand for SIGINT and SIGTERM, as usual. */
export const EXIT = { ok: 0, problems: 1, usage: 2, interrupted: 130 } as const;

/** The arguments are invalid; the message explains why. */
export class UsageError extends Error {}

/** The command failed; the message explains why. */
export class FailedError extends Error {}

/** Ctrl-C at a question: nothing was started, and nothing is printed. */
export class InterruptedError extends Error {}
