/** What the exit codes mean; 130 and 143 are SIGINT and SIGTERM as everywhere. */
export const EXIT = { ok: 0, problems: 1, usage: 2, interrupted: 130 } as const;

/** The arguments don't make sense; the message says why, for people. */
export class UsageError extends Error {}

/** What was to be done could not be done; the message says why, for people. */
export class FailedError extends Error {}

/** Ctrl-C in answer to a question: nothing was begun, and nothing is to be said. */
export class InterruptedError extends Error {}
