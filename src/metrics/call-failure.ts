import { isMultiDbError } from '../errors.js';

/** Why a call failed, in words of low cardinality: the text of an error may contain arguments. */
export interface CallFailure {
  /** Code of the error, first word of an error reply, or name of the error. */
  readonly type: string;
  /** First word of an error reply. */
  readonly statusCode: string | undefined;
}

const REPLY = /^([A-Z][A-Z0-9_]{2,})(?= |$)/;

export function failureOf(error: unknown): CallFailure {
  if (!(error instanceof Error)) return { type: 'Error', statusCode: undefined };
  const { code } = error as { code?: unknown };
  if (isMultiDbError(error) || typeof code === 'string') {
    return { type: String(code), statusCode: undefined };
  }
  const statusCode = REPLY.exec(error.message)?.[1];
  return { type: statusCode ?? error.constructor.name, statusCode };
}
