/** Causes why a database can't be reached, with advice. Pure. */
import { diagnosisOf } from '../../foreign/foreign-error.js';
import { type Finding, finding } from './report.js';

const TLS_CODES =
  /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH)/;

/** Converts the error of a first connection to a finding. */
export function connectFinding(error: unknown): Finding {
  const shown = root(error);
  const { code = '', message = String(error) } = shown;
  const words = diagnosisOf(shown) ?? text(code, message);
  return finding('problem', subjectOf(code, message), words);
}

function subjectOf(code: string, message: string): string {
  if (ACCESS.test(message)) return 'authentication';
  return TLS_CODES.test(code) ? 'tls' : 'reachable';
}

const ACCESS = /^(NOAUTH|WRONGPASS|NOPERM)\b|invalid password|without any password configured/i;

interface Shown {
  readonly code?: string;
  readonly message?: string;
}

function root(error: unknown): Shown {
  // With several addresses node-redis and Node.js report an AggregateError.
  if (error instanceof AggregateError && error.errors.length > 0) return root(error.errors[0]);
  // For clusters and Sentinels the cause is the error of the last server.
  if (error instanceof Error && !('code' in error) && error.cause instanceof Error) {
    return root(error.cause);
  }
  return error as Shown;
}

function text(code: string, message: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'the connection is refused: no server listens there, or a firewall rejects it';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name cannot be resolved';
    case 'ETIMEDOUT':
    case 'TIMEOUT':
      return 'no answer in time: packets are dropped, or the server hangs';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route to the host';
    case 'ENOENT':
      return 'there is no such socket';
    default:
      return message;
  }
}
