/** The names of node-redis's options, versions 5 and 6, and what is often written in their place. */
import { invalid, join, LONGEST_NAME, plainName, type Values } from '../validation/check.js';
import { distanceOf } from './check.js';

export const CLIENT_NAMES = [
  ...['url', 'socket', 'username', 'password', 'credentialsProvider', 'name', 'database'],
  ...['RESP', 'modules', 'scripts', 'functions', 'keyPrefix', 'commandOptions'],
  ...['commandsQueueMaxLength', 'disableOfflineQueue', 'readonly', 'pingInterval'],
  ...['clientSideCache', 'emitInvalidate', 'himportRegistry', 'disableClientInfo', 'clientInfoTag'],
  ...['maintNotifications', 'maintEndpointType'],
  ...['maintRelaxedCommandTimeout', 'maintRelaxedSocketTimeout', 'unstableResp3'],
] as const;

/** Of node-redis, `net.connect()`, `tls.connect()` and `tls.createSecureContext()`. */
export const SOCKET_NAMES = [
  ...['host', 'port', 'path', 'tls', 'connectTimeout', 'socketTimeout', 'reconnectStrategy'],
  ...['family', 'hints', 'lookup', 'localAddress', 'localPort', 'noDelay', 'keepAlive'],
  ...['keepAliveInitialDelay', 'autoSelectFamily', 'autoSelectFamilyAttemptTimeout', 'timeout'],
  ...['blockList', 'allowHalfOpen', 'fd', 'readable', 'writable', 'onread', 'typeOfService'],
  ...['highWaterMark', 'signal', 'socket', 'ca', 'cert', 'key', 'pfx', 'passphrase', 'crl'],
  ...['ciphers', 'sigalgs', 'ecdhCurve', 'dhparam', 'honorCipherOrder', 'minVersion', 'maxVersion'],
  ...['minDHSize', 'secureProtocol', 'secureOptions', 'secureContext', 'sessionIdContext'],
  ...['sessionTimeout', 'ticketKeys', 'session', 'servername', 'rejectUnauthorized'],
  ...['checkServerIdentity', 'ALPNProtocols', 'ALPNCallback', 'SNICallback', 'pskCallback'],
  ...['requestCert', 'requestOCSP', 'enableTrace', 'clientCertEngine', 'privateKeyEngine'],
  ...['privateKeyIdentifier', 'allowPartialTrustChain', 'isServer', 'server'],
] as const;

/** Names of node-redis 3 and 4, ioredis and others. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  retry_strategy: 'socket.reconnectStrategy',
  retryStrategy: 'socket.reconnectStrategy',
  connect_timeout: 'socket.connectTimeout',
  socket_keepalive: 'socket.keepAlive',
  enable_offline_queue: 'disableOfflineQueue',
  enableOfflineQueue: 'disableOfflineQueue',
  auth_pass: 'password',
  user: 'username',
  db: 'database',
  prefix: 'keyPrefix',
  connectionName: 'name',
  isolationPoolOptions: 'topology `pool`, and `transaction()` for WATCH',
};

/** Throws `InvalidOptionError` for the first name that is none of node-redis's. */
export function rejectUnknownNames(values: Values, section: 'client' | 'socket', at: string): void {
  const known: readonly string[] = section === 'client' ? CLIENT_NAMES : SOCKET_NAMES;
  for (const name of Object.keys(values)) {
    if (known.includes(name) || values[name] === undefined) continue;
    const meant = meantBy(name, section);
    const hint = meant === undefined ? '' : ` (did you mean ${meant})`;
    const plain = plainName(name);
    throw invalid(join(at, plain), `a known option of node-redis${hint}`, plain);
  }
}

function meantBy(name: string, section: 'client' | 'socket'): string | undefined {
  if (name === 'legacyMode') return '`client.legacy()`, which takes callbacks';
  if (name.length > LONGEST_NAME) return undefined;
  const other = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined;
  if (other !== undefined) return section === 'socket' ? other.replace('socket.', '') : other;
  const ofClient = CLIENT_NAMES.map((each) => ({
    shown: section === 'client' ? each : `${each} beside \`socket\``,
    each,
  }));
  const ofSocket = SOCKET_NAMES.map((each) => ({
    shown: section === 'socket' ? each : `socket.${each}`,
    each,
  }));
  const [nearest] = [...ofClient, ...ofSocket]
    .map(({ shown, each }) => ({ shown, distance: distanceOf(name, each) }))
    .sort((one, two) => one.distance - two.distance);
  const tolerated = Math.max(1, Math.floor(name.length / 4));
  return nearest !== undefined && nearest.distance <= tolerated ? nearest.shown : undefined;
}
