import { InvalidOptionError } from '../../errors.js';
import type { IoredisOptions } from './library.js';

/** How a database was given: with options of ioredis for a server or for a cluster, or as in config files. */
export interface GivenForm {
  readonly form: 'server' | 'cluster' | 'config';
  /** Its own options of ioredis; others come from the top-level `redis`. */
  readonly own: IoredisOptions;
}

/** What a socket of node-redis has beside the options of TLS. */
const OF_SOCKET: Readonly<Record<string, string>> = {
  host: 'host',
  port: 'port',
  path: 'path',
  family: 'family',
  tls: 'tls',
  noDelay: 'noDelay',
  connectTimeout: 'connectTimeout',
  keepAlive: 'keepAlive',
  keepAliveInitialDelay: 'keepAlive',
};

const OF_CLIENT: Readonly<Record<string, string>> = { database: 'db', name: 'connectionName' };

const OF_SENTINELS: Readonly<Record<string, string>> = {
  username: 'sentinelUsername',
  password: 'sentinelPassword',
};

/**
 * Runs `create`, whose errors name options of the engine, and names those of ioredis in their place.
 * `formAt` tells how the database at a path was given; `shared` is the top-level `redis`.
 */
export function namingIoredis<T>(
  create: () => T,
  formAt: (path: string) => GivenForm | undefined,
  shared: IoredisOptions,
): T {
  try {
    return create();
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    const { option } = error;
    const [, at = '', rest = ''] = /^(database(?:s\[\d+\])?)\.(.*)$/s.exec(option) ?? [];
    const given = formAt(at);
    if (given === undefined || given.form === 'config') throw error;
    const path = given.form === 'server' ? ofServer(rest) : ofCluster(rest);
    if (path === undefined) throw error;
    const named =
      !path.at.startsWith('cluster[') && isInherited(path.option, given.own, shared)
        ? `redis.${path.option}`
        : join(`${at}.${path.at}`, path.option);
    const message = error.message.replace(option, named).replace('node-redis', 'ioredis');
    throw Object.assign(error, { message, option: named });
  }
}

/** A path below a database, and below the options of ioredis there. */
interface IoredisPath {
  readonly at: string;
  /** Empty for these options themselves. */
  readonly option: string;
}

function ofServer(rest: string): IoredisPath | undefined {
  const [first = '', second = ''] = rest.split(/\.(.*)/s);
  if (first === 'client') return { at: 'redis', option: ofConnection(second) };
  if (first !== 'sentinel') return undefined;
  const [part = '', below = ''] = second.split(/\.(.*)/s);
  if (part === 'nodeClientOptions') return { at: 'redis', option: ofConnection(below) };
  if (part === 'sentinelClientOptions') {
    const option = ofConnection(below).replace(/^tls/, 'sentinelTLS');
    return { at: 'redis', option: OF_SENTINELS[option] ?? option };
  }
  if (part === 'nodeAddressMap') return { at: 'redis', option: join('natMap', below) };
  return { at: 'redis', option: second.replace(/^sentinelRootNodes/, 'sentinels') };
}

function ofCluster(rest: string): IoredisPath | undefined {
  const [first = '', second = ''] = rest.split(/\.(.*)/s);
  if (first !== 'cluster') return undefined;
  const [part = '', below = ''] = second.split(/\.(.*)/s);
  if (part === 'defaults') {
    return { at: 'clusterOptions.redisOptions', option: ofConnection(below) };
  }
  if (part === 'nodeAddressMap') return { at: 'clusterOptions', option: join('natMap', below) };
  const index = /^rootNodes(\[\d+\])?$/.exec(part);
  return index === null
    ? undefined
    : { at: `cluster${index[1] ?? ''}`, option: ofConnection(below) };
}

/** `path` is one of node-redis's client. */
function ofConnection(path: string): string {
  const [first = '', second = ''] = path.split(/\.(.*)/s);
  if (first !== 'socket') return join(OF_CLIENT[first] ?? first, second);
  const [name = ''] = second.split('.');
  return OF_SOCKET[name] ?? join('tls', second);
}

function isInherited(option: string, own: IoredisOptions, shared: IoredisOptions): boolean {
  const [name = ''] = option.split(/[.[]/);
  return name !== '' && own[name] === undefined && shared[name] !== undefined;
}

function join(at: string, rest: string): string {
  return rest === '' ? at : at === '' ? rest : `${at}.${rest}`;
}
