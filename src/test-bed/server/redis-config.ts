/** The configuration file of a test server. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Directives by name. A value is the rest of the line as redis.conf has it; `true` and `false` are yes and
 * no, an empty string is "", and an array repeats the directive (`user`, `loadmodule`, `rename-command`).
 */
export type RedisDirectives = Readonly<
  Record<string, string | number | boolean | readonly string[]>
>;

export interface RedisConfigOptions {
  readonly port: number;
  readonly dir: string;
  /** Major version of the server. */
  readonly major: number;
  readonly persist: boolean;
  readonly password?: string | undefined;
  readonly replicaOf?:
    | { readonly port: number; readonly password?: string | undefined }
    | undefined;
  /** Directives that override the kit's own. */
  readonly config?: RedisDirectives | undefined;
  /** Allows DEBUG. Default: true. */
  readonly debug?: boolean | undefined;
  /** A Sentinel: no data, no replication settings. */
  readonly sentinel?: boolean | undefined;
}

export function redisConfig(options: RedisConfigOptions): string {
  const directives: Record<string, RedisDirectives[string]> = {
    port: options.port,
    bind: '127.0.0.1',
    'protected-mode': false,
    daemonize: false,
    dir: JSON.stringify(options.dir),
    logfile: 'redis.log',
    ...(options.sentinel ? {} : dataDirectives(options)),
    ...(options.password === undefined ? {} : { requirepass: options.password }),
    ...options.config,
  };
  const lines = Object.entries(directives).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => `${name} ${text(one)}`),
  );
  return `${lines.join('\n')}\n`;
}

function dataDirectives(options: RedisConfigOptions): Record<string, RedisDirectives[string]> {
  const { replicaOf } = options;
  const masterPassword = replicaOf?.password ?? options.password;
  return {
    save: '',
    appendonly: options.persist,
    // A server that has been a replica would begin with the file of its last synchronization.
    ...(options.persist ? { appendfsync: 'always' } : { 'rdb-del-sync-files': true }),
    // The defaults (5 s and 10 s) would make every test with a replica wait.
    'repl-diskless-sync-delay': 0,
    'repl-ping-replica-period': 1,
    // 'shutdown-timeout' would wait 10 s for a replica that lags.
    ...(options.major >= 7
      ? { 'enable-debug-command': options.debug ?? true, 'shutdown-timeout': 0 }
      : {}),
    ...(replicaOf ? { replicaof: `127.0.0.1 ${replicaOf.port}` } : {}),
    ...(masterPassword === undefined ? {} : { masterauth: masterPassword }),
  };
}

function text(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value === '' ? '""' : String(value);
}

/** Per copy, because asking twice does no harm. By binary. */
const versions = new Map<string, Promise<number>>();

/** Major version of a redis-server (or valkey-server) binary, asked once per process. */
export function majorVersion(binary: string): Promise<number> {
  let version = versions.get(binary);
  if (!version) {
    version = readMajorVersion(binary);
    versions.set(binary, version);
  }
  return version;
}

async function readMajorVersion(binary: string): Promise<number> {
  const { stdout } = await promisify(execFile)(binary, ['--version']);
  const match = /v=(\d+)\./.exec(stdout);
  if (!match) throw new Error(`${binary} --version says ${JSON.stringify(stdout)}`);
  return Number(match[1]);
}
