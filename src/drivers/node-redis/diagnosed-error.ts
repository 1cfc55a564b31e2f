import { SocketClosedUnexpectedlyError } from '@redis/client';
import { diagnoseConnect } from '../../core/connect-diagnosis.js';
import { diagnosisOf, foreignError, withDiagnosis } from '../../foreign/foreign-error.js';

const CUT_CODES: ReadonlySet<unknown> = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE']);

/** Whether a connection was accepted and then cut, as opposed to refused or unreachable. */
export function isCut(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return error instanceof SocketClosedUnexpectedlyError || CUT_CODES.has(code);
}

/**
 * The options of a connection that matter for a diagnosis, and whether an earlier one was ready.
 */
export interface ConnectContext {
  readonly tls: boolean;
  readonly wasConnected: boolean;
}

/**
 * Returns the error of a connection that did not become ready, as a `foreignError`. A well-known
 * mistake gets a diagnosis in words.
 */
export function diagnosedError(cause: unknown, context: ConnectContext): Error {
  const error = foreignError(cause);
  const { code } = error as { readonly code?: unknown };
  const diagnosis = diagnoseConnect({
    code: typeof code === 'string' ? code : '',
    message: error.message,
    isCut: isCut(error),
    ...context,
  });
  if (diagnosis === undefined || diagnosisOf(error) !== undefined) return error;
  return withDiagnosis(error, diagnosis);
}
