/** Reads the command-line options for the application of a drill. */
import type { Application } from '../../drill/app/application.js';
import type { AppRequest } from '../../drill/app/requests.js';
import { filled, words } from '../../drill/app/template.js';
import { UsageError } from '../exit.js';
import { isHttpUrl, Remote, readHeader } from '../live/remote.js';
import { isLoopback } from '../target.js';

export interface AppOptions {
  readonly app?: string;
  readonly request?: readonly string[];
  readonly status?: string;
  readonly env?: readonly string[];
  readonly header?: readonly string[];
  readonly startWithin: number;
  readonly stopWithin: number;
}

/** Undefined without `--app`. Throws a `UsageError`. */
export function readApplication(
  options: AppOptions,
  mayUseFewer: boolean,
): Application | undefined {
  const { app, request = [], status, env = [], header = [], startWithin, stopWithin } = options;
  if (app === undefined) {
    const given = Object.entries({ request, status, env, header }).find(
      ([, value]) => value !== undefined && value.length > 0,
    );
    if (given !== undefined) throw new UsageError(`--${given[0]} requires --app`);
    return undefined;
  }
  const command = words(app);
  if (command === undefined) throw new UsageError('--app: a quote is not closed');
  if (command.length === 0) throw new UsageError('--app: expected a command');
  if (request.length === 0 && status === undefined) {
    throw new UsageError(
      'Add --request http://127.0.0.1:3000/... with a request of the application, or --status with the URL of its handler.',
    );
  }
  const requests = request.map(readRequest);
  if (status !== undefined) readUrl(status, '--status');
  return {
    text: app,
    words: command,
    env: env.map(readVariable),
    requests,
    status,
    headers: Object.fromEntries(header.map(readHeader)),
    startWithinMs: startWithin,
    stopWithinMs: stopWithin,
    mayUseFewer,
    control: (url) => {
      const remote = new Remote(url, header);
      return {
        status: () => remote.status(),
        switchTo: (id) => remote.switchTo(id, undefined),
      };
    },
  };
}

/** Hosts of the application's URLs that are not this machine. */
export function foreignHosts({ requests, status }: Application): string[] {
  const urls = [...requests.map(({ url }) => url), ...(status === undefined ? [] : [status])];
  const hosts = urls.map((url) => sample(url).host);
  return [
    ...new Set(hosts.filter((host) => !isLoopback(/:\d+$/.test(host) ? host : `${host}:80`))),
  ];
}

function readRequest(text: string): AppRequest {
  const [, method = 'GET', url = text] = /^([A-Z]+) +(\S.*)$/.exec(text) ?? [];
  readUrl(url, '--request');
  return { method, url };
}

function readUrl(url: string, option: string): void {
  if (!isHttpUrl(filledIn(url))) {
    throw new UsageError(
      `${option}: expected http://..., or a method and http://...: 'POST http://...'`,
    );
  }
  const { username, password } = sample(url);
  if (username !== '' || password !== '') {
    throw new UsageError(
      `${option}: credentials are not allowed in the URL; use --header 'authorization: ...'`,
    );
  }
}

/** Fills in the unknown parts, which are always digits. */
function filledIn(url: string): string {
  return filled(
    url,
    new Map([
      ['port', '1'],
      ['n', '1'],
    ]),
  );
}

function sample(url: string): URL {
  return new URL(filledIn(url));
}

function readVariable(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError("--env: expected 'NAME=text', such as 'REDIS_URL={east}'");
  return [text.slice(0, at), text.slice(at + 1)];
}
