/** What is to be rehearsed: how the application is started, asked and told where its databases are. */
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

/** Texts may name `{east}`, `{east.host}`, `{east.port}` for each database, and `{port}`. */
export interface Application {
  /** As it was given, to be shown. */
  readonly text: string;
  /** Command and arguments. */
  readonly words: readonly string[];
  /** Variables beside those that every application gets. */
  readonly env: readonly (readonly [name: string, text: string])[];
  readonly requests: readonly AppRequest[];
  /** Where its handler is mounted. */
  readonly status: string | undefined;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly startWithinMs: number;
  readonly stopWithinMs: number;
  /** The application uses some of the databases perhaps; else it has to use all. */
  readonly mayUseFewer: boolean;
  control(url: string): AppControl;
}

export interface AppPlan extends DrillPlan {
  readonly application: Application;
}

/** The application can't be rehearsed; the message says why, for people. */
export class AppError extends Error {}

/** What stands for the databases: their proxies, with the credentials of what is behind. */
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

/** With what is known in its texts, apart from `env` and what is shown. */
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

/** The variables of the application: ours, with `EAST_URL` and the like in the place of any others. */
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
