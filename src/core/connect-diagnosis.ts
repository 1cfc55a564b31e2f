/** What an error of a connection attempt means where it is a well-known mistake of configuration. */

export interface ConnectFailure {
  /** `code` of the error, or an empty text. */
  readonly code: string;
  /** The text of a server's reply, or of a library's error. */
  readonly message: string;
  /** The connection was accepted and then closed. */
  readonly isCut: boolean;
  /** The options ask for TLS. */
  readonly tls: boolean;
  /** An earlier connection to the same database was ready: its port is the right one. */
  readonly wasConnected: boolean;
}

const USE_PLAIN = 'use redis:// instead of rediss://';
const USE_TLS = 'use rediss:// instead of redis://';

/** The server answered a text that is not RESP. */
export const ANSWERS_HTTP = 'the server answers HTTP: this is not a Redis port';
export const ANSWERS_TLS = `the server answers TLS: this is a TLS port, ${USE_TLS}`;
/** Found out by asking without TLS. */
export const ANSWERS_PLAIN = `the server answers without TLS: this is not a TLS port, ${USE_PLAIN}`;

/** The database answers MOVED. */
export const REDIRECTS =
  "the server is a node of a Redis Cluster (MOVED): use topology 'cluster', or commands for keys of other nodes fail";

/** In words that say what to change; `undefined`: the error speaks for itself. */
export function diagnoseConnect(failure: ConnectFailure): string | undefined {
  const { code, message } = failure;
  return ofReply(message) ?? ofTls(code, message) ?? ofCut(failure);
}

function ofReply(message: string): string | undefined {
  const word = /^[A-Z]+(?= |$)/.exec(message)?.[0];
  if (word === 'NOAUTH') return 'the server requires a password, and none is configured (NOAUTH)';
  if (word === 'WRONGPASS' || /invalid password/i.test(message)) {
    return 'wrong user name or password, or the user is missing or disabled (WRONGPASS)';
  }
  if (/without any password configured|but no password is set/.test(message)) {
    return 'a password is configured, but the server has none for this user';
  }
  if (/\bDENIED\b.*protected mode/.test(message)) {
    return 'the server is in protected mode and accepts connections from its own machine only: set a password on the server (DENIED)';
  }
  return undefined;
}

/** Codes of Node.js and OpenSSL; the codes of a protocol that is not TLS differ between versions. */
function ofTls(code: string, message: string): string | undefined {
  if (NOT_TLS.test(code) || /wrong version number|packet length too long/i.test(message)) {
    return `the server does not speak TLS: this is not a TLS port, ${USE_PLAIN} (${code})`;
  }
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/.test(code)) {
    return `the server refuses the TLS handshake: it may require a client certificate, see socket.cert and socket.key (${code})`;
  }
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'the certificate of the server has expired (CERT_HAS_EXPIRED)';
    case 'CERT_NOT_YET_VALID':
      return 'the certificate of the server is not valid yet: check the clocks (CERT_NOT_YET_VALID)';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the certificate is for another host: ${message}`;
  }
  if (/SELF_SIGNED|^UNABLE_TO_/.test(code)) {
    return `the certificate is not trusted: ${message}; set its authority in socket.ca (${code})`;
  }
  return undefined;
}

const NOT_TLS = /^(EPROTO|ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST))$/;

/** A server, or a proxy before it, that restarts closes connections as well. */
function ofCut({ code, isCut, tls, wasConnected }: ConnectFailure): string | undefined {
  if (!isCut || wasConnected) return undefined;
  const how = code === '' ? '' : ` (${code})`;
  return tls
    ? `the server closed the connection during the TLS handshake: is this a port without TLS? ${USE_PLAIN}${how}`
    : `the server closed the connection during the handshake: is this a TLS port (use rediss://), or a server in protected mode?${how}`;
}
