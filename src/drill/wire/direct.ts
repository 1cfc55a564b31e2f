/** Connections to a database past the client, made as the client would make them. */
import { systemClock } from '../../clock.js';
import type { Driver, ProbeConnection } from '../../drivers/driver.js';
import { foreignError } from '../../foreign/foreign-error.js';
import { ownError } from '../../foreign/own-error.js';

const INSPECTION_MS = 1000;

/** Rejects with the code `TIMEOUT` when the connection is not ready in time. */
export async function open(driver: Driver, timeoutMs: number): Promise<ProbeConnection> {
  const abort = new AbortController();
  const late = () => abort.abort(timeout());
  const timer = systemClock.after(timeoutMs, late, { keepAlive: true });
  try {
    return await driver.openProbe(abort.signal);
  } catch (error) {
    const isLate = error === abort.signal.reason;
    throw (isLate ? await mistakeOf(driver) : undefined) ?? error;
  } finally {
    timer.cancel();
  }
}

/** The reason why connections are not answered, if it can be found out soon. */
async function mistakeOf(driver: Driver): Promise<Error | undefined> {
  const abort = new AbortController();
  const timer = systemClock.after(INSPECTION_MS, () => abort.abort(), { keepAlive: true });
  const found = await driver.inspectPort?.(abort.signal);
  timer.cancel();
  return found;
}

/** Sends one command with a time limit. Rejects with a `foreignError`. */
export async function ask(
  probe: ProbeConnection,
  args: readonly string[],
  timeoutMs: number,
): Promise<unknown> {
  let late = () => {};
  const lost = new Promise<never>((_, reject) => {
    late = () => reject(timeout());
  });
  const timer = systemClock.after(timeoutMs, () => late(), { keepAlive: true });
  const reply = probe.send(args);
  reply.catch(() => {});
  try {
    return await Promise.race([reply, lost]);
  } catch (error) {
    throw foreignError(error);
  } finally {
    timer.cancel();
  }
}

function timeout(): Error {
  return Object.assign(ownError('no answer in time'), { code: 'TIMEOUT' });
}
