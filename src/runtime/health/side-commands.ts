import type { CommandArgument } from '../../core/command-argument.js';
import { ownError } from '../../foreign/own-error.js';
import type { ProbeTarget } from '../../health-strategies/strategy.js';
import type { EngineContext } from '../engine-context.js';
import { orAborted } from './or-aborted.js';
import { type ProbeLines, probeTarget } from './probe-target.js';

/** The monitor whose connections are used. */
export interface SideCommandsHost {
  /** Connections of the full checks. */
  readonly lines: ProbeLines;
  /** Connections of the gates and of the checks of other databases. */
  readonly sideLines: ProbeLines;
  readonly hasChecks: boolean;
  readonly probeTimeoutMs: number;
}

/**
 * Commands that are no probes, over the probe connections of one database. Their answers say nothing
 * about its health.
 */
export class SideCommands {
  constructor(
    private readonly host: SideCommandsHost,
    private readonly time: Pick<EngineContext, 'clock' | 'loop'>,
  ) {}

  /**
   * The database over a connection that has just answered: an old one may be dead without an error.
   * Rejects after one probe timeout, because packets of a connection attempt may be lost.
   */
  async target(signal: AbortSignal): Promise<ProbeTarget> {
    const { commands } = this.host.sideLines;
    const { probeTimeoutMs } = this.host;
    const opening = new AbortController();
    const giveUp = () => opening.abort(signal.reason);
    const timer = this.time.loop.after(probeTimeoutMs, () => {
      opening.abort(ownError(`no new connection within ${probeTimeoutMs} ms`));
    });
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    const since = this.time.clock.now();
    try {
      await commands.useNew(since, opening.signal, (connection) => connection.send(['PING']));
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', giveUp);
    }
    return probeTarget(this.host.sideLines, signal);
  }

  /** The database for measurements, over the connection of the full checks, which is usually open. */
  measured(signal: AbortSignal): ProbeTarget {
    return probeTarget(this.host.lines, signal);
  }

  /** Sends a command over a probe connection that is open, and opens one only where no check has its own. */
  ride(args: readonly CommandArgument[]): Promise<unknown> {
    const { commands } = this.host.lines;
    const { probeTimeoutMs } = this.host;
    const controller = new AbortController();
    const timer = this.time.loop.after(probeTimeoutMs, () => {
      controller.abort(ownError(`no answer within ${probeTimeoutMs} ms`));
    });
    const answer = commands.connected
      ? orAborted(commands.ride(args), controller.signal)
      : this.#opensConnections
        ? Promise.reject(ownError('no probe connection is open'))
        : this.target(controller.signal).then((target) => target.sendCommand(args));
    return answer.finally(() => timer.cancel());
  }

  /** Whether the full checks have opened a connection, and will again. */
  get #opensConnections(): boolean {
    return this.host.hasChecks && this.host.lines.commands.wasUsed;
  }
}
