/** Starts an application and waits until it can be used in a drill. */
import type { Status } from '../../http/status.js';
import { sleep, waitFor } from '../../test-bed/wire/wait.js';
import type { Place } from '../rehearsal/places.js';
import { duration } from '../report/format.js';
import { type AppControl, AppError, type Application } from './application.js';
import { type AppProcess, endingText } from './child.js';
import type { AppRequest } from './requests.js';
import { shownUrl, variableOf } from './template.js';

const ASK_MS = 5000;
const LOOK_MS = 50;
const CONNECT_MS = 5000;
/** Time in milliseconds in which a third database would be used after the second. */
const MORE_MS = 500;

/**
 * Resolves when the application can serve. Rejects with an `AppError` that contains its last
 * output.
 */
export async function ready(
  child: AppProcess,
  application: Application,
  requests: readonly AppRequest[],
): Promise<void> {
  const { status, startWithinMs } = application;
  const probe = requests.find(({ method }) => method === 'GET') ?? requests[0];
  const url = status === undefined ? probe?.url : `${status}/readyz`;
  const method = status === undefined ? (probe?.method ?? 'GET') : 'GET';
  let last = 'nothing listens there';
  const isReady = async () => {
    if (child.ending !== undefined) return true;
    const answer = await fetch(url as string, {
      method,
      headers: application.headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(ASK_MS),
    });
    await answer.arrayBuffer();
    last = `it answers ${answer.status}`;
    if (answer.status >= 400 && answer.status < 500) return true;
    return answer.status < 400;
  };
  await waitFor(isReady, {
    what: 'the application to be ready',
    timeoutMs: startWithinMs,
    intervalMs: LOOK_MS,
  }).catch(() => {
    throw withWords(
      `The application is not ready within ${duration(startWithinMs)}: ${method} ${shownUrl(url as string)}: ${last}.`,
      child,
    );
  });
  if (child.ending !== undefined) {
    await child.ended;
    throw withWords(`The application ${endingText(child.ending)} before it was ready.`, child);
  }
  if (/ 4\d\d$/.test(last)) {
    throw withWords(
      `The application does not answer: ${method} ${shownUrl(url as string)}: ${last}.`,
      child,
    );
  }
}

/**
 * Returns the databases that the application uses, in its order of preference. Rejects with an
 * `AppError` if it bypasses the proxies.
 */
export async function used(
  places: readonly Place[],
  application: Application,
  control: AppControl | undefined,
): Promise<Place[]> {
  const status = await control?.status();
  const meant = status === undefined ? [...places] : named(places, status, application);
  const connected = () => meant.filter(({ proxy }) => proxy.acceptedConnections > 0);
  const enough = application.mayUseFewer && status === undefined ? 2 : meant.length;
  await waitFor(() => connected().length >= enough, {
    what: 'connections',
    timeoutMs: CONNECT_MS,
  }).catch(() => {
    const missing = meant
      .filter((place) => !connected().includes(place))
      .slice(0, enough - connected().length)
      .map(({ id }) => id);
    const names = missing.map(variableOf).join(' and ');
    throw new AppError(
      `The application has not connected to ${missing.join(' and ')} through the drill. Check that it reads its URLs from ${names}, or set another variable with --env 'NAME={${missing[0]}}'.`,
    );
  });
  if (enough < meant.length) await sleep(MORE_MS);
  return connected();
}

/** The databases in the status, ordered by weight. */
function named(places: readonly Place[], status: Status, { mayUseFewer }: Application): Place[] {
  const theirs = [...status.databases].sort((a, b) => b.weight - a.weight).map(({ id }) => id);
  const found = theirs.flatMap((id) => places.find((place) => place.id === id) ?? []);
  const ours = places.map(({ id }) => id);
  const isFit = found.length === theirs.length && (mayUseFewer || found.length === ours.length);
  if (isFit && found.length >= 2) return found;
  throw new AppError(
    found.length === theirs.length && found.length < 2
      ? 'A drill needs at least two databases, and the application has one.'
      : `The ids of the databases differ: ${theirs.join(', ')} in the application, ${ours.join(', ')} in the drill. Use the same ids: ${theirs.map((id) => `${id}=redis://...`).join(' ')}`,
  );
}

function withWords(text: string, child: AppProcess): AppError {
  const { lastLines } = child;
  if (lastLines.length === 0) return new AppError(`${text} It printed nothing.`);
  return new AppError(
    `${text} Its last lines:\n${lastLines.map((line) => `  ${line}`).join('\n')}`,
  );
}
