/** Reads the certificate of a server over a connection that only does the handshake. */
import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { systemClock } from '../../clock.js';
import { addressOf } from '../../options/client.js';
import type { ResolvedDatabase } from '../../options/types.js';

const DAY_MS = 86_400_000;

export interface TlsTarget {
  readonly options: ConnectionOptions;
  /** Why any certificate would be accepted; undefined: certificates are verified. */
  readonly unverifiedBecause: string | undefined;
}

export interface TlsReading {
  /** Undefined: no handshake. */
  readonly protocol: string | undefined;
  /** Negative: it has expired. */
  readonly daysLeft: number | undefined;
}

/** Returns the address and TLS options of a connection; undefined without TLS. */
export function tlsTargetOf(client: object): TlsTarget | undefined {
  const { url, socket = {} } = client as {
    readonly url?: string;
    readonly socket?: Record<string, unknown>;
  };
  const isTls = socket.tls === true || url?.startsWith('rediss:') === true;
  if (!isTls) return undefined;
  const address = addressOf({ ...client });
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const { tls: _tls, reconnectStrategy: _strategy, ...given } = socket;
  const servername = given.servername ?? (isIP(host) === 0 ? host : undefined);
  return {
    options: {
      ...given,
      host,
      port: Number(address.slice(colon + 1)),
      ...(servername ? { servername: String(servername) } : {}),
    },
    unverifiedBecause: unverifiedBecause(given.rejectUnauthorized),
  };
}

/**
 * The reason why certificates of some servers are not verified, including root nodes and Sentinels.
 */
export function unverifiedTls(database: ResolvedDatabase): string | undefined {
  const clients: object[] = [database.client];
  if (database.topology === 'cluster') clients.push(...database.cluster.rootNodes);
  if (database.topology === 'sentinel') {
    clients.push(database.sentinel.sentinelClientOptions ?? {});
  }
  return clients
    .map((client) => tlsTargetOf(client)?.unverifiedBecause)
    .find((reason) => reason !== undefined);
}

/** The reason by the rules of `tls.connect`. */
function unverifiedBecause(rejectUnauthorized: unknown): string | undefined {
  if (rejectUnauthorized === false) return 'rejectUnauthorized is false';
  const isOff =
    rejectUnauthorized === undefined && process.env.NODE_TLS_REJECT_UNAUTHORIZED === '0';
  return isOff ? 'NODE_TLS_REJECT_UNAUTHORIZED is 0 here' : undefined;
}

/**
 * Reads the certificate without verifying it, so that an expired one is reported, too; the real
 * connection verifies it.
 */
export function inspectTls({ options }: TlsTarget, timeoutMs: number): Promise<TlsReading> {
  return new Promise((resolve) => {
    const none = { protocol: undefined, daysLeft: undefined };
    let socket: TLSSocket;
    try {
      socket = connect({ ...options, rejectUnauthorized: false });
    } catch {
      // The key or certificate is invalid: the real connection reports that.
      resolve(none);
      return;
    }
    const end = (reading: TlsReading) => {
      timer.cancel();
      socket.destroy();
      resolve(reading);
    };
    const timer = systemClock.after(timeoutMs, () => end(none), { keepAlive: true });
    socket.once('error', () => end(none));
    socket.once('secureConnect', () => {
      const { valid_to: validTo } = socket.getPeerCertificate();
      const daysLeft = (Date.parse(validTo) - systemClock.wallTime()) / DAY_MS;
      end({
        protocol: socket.getProtocol() ?? 'TLS',
        daysLeft: Number.isFinite(daysLeft) ? Math.round(daysLeft * 10) / 10 : undefined,
      });
    });
  });
}
