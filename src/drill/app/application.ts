/** The application of a drill: how it is started, called and given its databases. */
import type { Status } from '../../http/status.js';
import type { Place } from '../rehearsal/places.js';
import type { DrillPlan } from '../rehearsal/settings.js';
import type { AppRequest } from './requests.js';
import { filled, type Places, variableOf } from './template.js';

/** The handler of a running application. */
export interface AppControl {
  status(): Promise<Status>;
  switchTo(id: string): Promise<unknown>;
}

/**
 * An application. Its texts may contain `{east}`, `{east.host}`, `{east.port}` for each database,
 * and `{port}`.
 */
export interface Application {
  /** The command line as it was given, for display. */
  readonly text: string;
  /** Command and arguments. */
  readonly words: readonly string[];
  /** Variables in addition to those that every application gets. */
  readonly env: readonly (readonly [name: string, text: string])[];
  readonly requests: readonly AppRequest[];
  /** The URL where its handler is mounted. */
  readonly status: string | undefined;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly startWithinMs: number;
  readonly stopWithinMs: number;
  /** Whether the application may use only some of the databases; otherwise it must use all. */
  readonly mayUseFewer: boolean;
  control(url: string): AppControl;
}

export interface AppPlan extends DrillPlan {
  readonly application: Application;
}

/** The application can't be used in a drill; the message explains why. */
export class AppError extends Error {}

/**
 * The values of the placeholders for the databases: their proxies, with the credentials of the
 * servers.
 */
export function placesOf(places: readonly Place[], port: number): Places {
  return new Map([
    ['port', String(port)],
    ...places.flatMap((place): [string, string][] => [
      [place.id, urlOf(place)],
      [`${place.id}.host`, place.proxy.host],
      [`${place.id}.port`, String(place.proxy.port)],
    ]),
  ]);
}

/**
 * Returns the application with the known placeholders filled in, except in `env` and in the
 * displayed text.
 */
export function located(application: Application, known: Places): Application {
  const { words, requests, status } = application;
  const fill = (text: string) => filled(text, known);
  return {
    ...application,
    words: words.map(fill),
    requests: requests.map(({ method, url }) => ({ method, url: fill(url) })),
    status: status === undefined ? undefined : fill(status),
  };
}

/**
 * The environment of the application: that of this process, with `EAST_URL` and the like
 * overridden.
 */
export function environmentOf(
  { env }: Application,
  places: readonly Place[],
  known: Places,
): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...Object.fromEntries(places.map((place) => [variableOf(place.id), urlOf(place)])),
    ...Object.fromEntries(env.map(([name, text]) => [name, filled(text, known)])),
  };
}

export function secretsOf(places: readonly Place[]): string[] {
  return places.flatMap(({ reached: { client } }) => {
    const { password } = client as { password?: string };
    return password ? [password, encodeURIComponent(password)] : [];
  });
}

function urlOf({ proxy, reached: { client, tls } }: Place): string {
  const { username, password, database } = client as Record<string, string | number | undefined>;
  const part = (value: string | number | undefined) => encodeURIComponent(value ?? '');
  const credentials = password === undefined ? '' : `${part(username)}:${part(password)}@`;
  const path = database === undefined ? '' : `/${database}`;
  return `redis${tls ? 's' : ''}://${credentials}${proxy.host}:${proxy.port}${path}`;
}
