import type { CommandArgument } from '../../core/command-argument.js';
import { type ConnectionView, connectionView } from '../../core/silent-connection.js';
import { runIdIn } from '../../drivers/ask-server-identity.js';
import type { ProbeConnection } from '../../drivers/driver.js';
import type { ClientContext } from './client-context.js';
import type { AttemptQueue } from './sent-attempt.js';

/** Sends a command to the server of a lane, over another connection. */
type Ask = (args: readonly CommandArgument[]) => Promise<unknown>;

/**
 * Asks the server of `lane` about it over another connection; if `since` (monotonic) is given, over
 * one that was opened then or later. Rejects if no reply comes within the timeout of a probe.
 */
export function viewOfLane(
  client: ClientContext,
  lane: AttemptQueue,
  since?: number,
): Promise<ConnectionView> {
  const { serverId } = lane;
  const args = serverId === undefined ? ['PING'] : ['CLIENT', 'LIST', 'ID', serverId];
  return inquire(client, lane, since, async (ask) => connectionView(await ask(args), serverId));
}

/**
 * Returns the run id of the server that a new connection in place of `lane` reaches; undefined if
 * the server does not report it.
 */
export function runIdBeside(
  client: ClientContext,
  lane: AttemptQueue,
): Promise<string | undefined> {
  return inquire(client, lane, undefined, async (ask) => runIdIn(await ask(['INFO', 'server'])));
}

async function inquire<T>(
  client: ClientContext,
  lane: AttemptQueue,
  since: number | undefined,
  question: (ask: Ask) => Promise<T>,
): Promise<T> {
  const { path, channel } = lane;
  const { driver } = channel.database;
  const monitor = client.coordinator.health.monitors.get(channel.database);
  if (monitor === undefined) throw new Error('the database was removed');
  const abort = new AbortController();
  const error = new Error('no answer in time');
  const timer = client.loop.after(monitor.probeTimeoutMs, () => abort.abort(error));
  // A refusal for lack of permission is a reply, too.
  const orRefusal = (answer: Promise<unknown>) =>
    answer.catch((refusal) => {
      if (driver.classify(refusal) === 'reply') return refusal as unknown;
      throw refusal;
    });
  const { askAnew } = path;
  const send = () => {
    if (askAnew !== undefined) return question((args) => orRefusal(askAnew.call(path, args)));
    const over = (each: ProbeConnection) => question((args) => orRefusal(each.send(args)));
    const { commands } = monitor.lines;
    if (since === undefined) return commands.use(abort.signal, over);
    return commands.useNew(since, abort.signal, over);
  };
  try {
    const aborted = new Promise<never>((_, reject) => {
      abort.signal.addEventListener('abort', () => reject(error), { once: true });
    });
    return await Promise.race([send(), aborted]);
  } finally {
    timer.cancel();
    abort.abort(error);
  }
}
