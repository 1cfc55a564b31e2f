/** Classifies why a database cannot be reached, with a text that says what to do. Pure. */
import { type Finding, finding } from './report.js';

const TLS_CODES =
  /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH)/;

/** The error of a first connection, as a finding. `tls` is what the configuration asks for. */
export function connectFinding(error: unknown, tls: boolean): Finding {
  const { code = '', message = String(error) } = root(error);
  const word = /^[A-Z]+(?= |$)/.exec(message)?.[0];
  if (word === 'NOAUTH')
    return finding(
      'problem',
      'authentication',
      'the server requires a password, and none is configured (NOAUTH)',
    );
  if (word === 'WRONGPASS' || /invalid password/i.test(message)) {
    return finding('problem', 'authentication', 'wrong user name or password (WRONGPASS)');
  }
  if (word === 'NOPERM') return finding('problem', 'authentication', message);
  if (/without any password configured/.test(message)) {
    return finding(
      'problem',
      'authentication',
      'a password is configured, but the server has none for this user',
    );
  }
  if (TLS_CODES.test(code)) return finding('problem', 'tls', tlsText(code, message));
  const hint = closedHint(message, tls);
  return finding('problem', 'reachable', `${text(code, message)}${hint}`);
}

function root(error: unknown): { code?: string; message?: string } {
  // Of several addresses node-redis and Node.js tell an AggregateError.
  if (error instanceof AggregateError && error.errors.length > 0) return root(error.errors[0]);
  // Of a cluster and of Sentinels: what the last one of them said.
  if (error instanceof Error && !('code' in error) && error.cause instanceof Error) {
    return root(error.cause);
  }
  return error as { code?: string; message?: string };
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

function tlsText(code: string, message: string): string {
  if (code === 'EPROTO' || /wrong version number|packet length too long/i.test(message)) {
    return 'the server does not speak TLS on this port (redis:// instead of rediss://?)';
  }
  if (code === 'CERT_HAS_EXPIRED') return 'the certificate has expired';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `the certificate is for another host: ${message}`;
  if (/SELF_SIGNED|UNABLE_TO/.test(code))
    return `the certificate is not trusted (${code}): set its authority in socket.ca`;
  return message;
}

function closedHint(message: string, tls: boolean): string {
  if (tls || !/closed unexpectedly|ECONNRESET/i.test(message)) return '';
  return ' (a port with TLS closes plain connections: rediss:// instead of redis://?)';
}
