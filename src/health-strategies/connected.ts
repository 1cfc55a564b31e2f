import { ownError } from '../foreign/own-error.js';
import { durationOrNone } from '../validation/rules.js';
import type { HealthCheckStrategy, Probe } from './strategy.js';
import { StrategyOptions } from './strategy-options.js';

/** Time between two checks of a connection that is not ready, in milliseconds. */
const LOOK_EVERY_MS = 20;

/** Options of `ConnectedStrategy`. */
export interface ConnectedStrategyOptions {
  /**
   * How long a probe waits for a connection that is being opened, 0 to 2^31-1 ms. It must be less
   * than the `timeoutMs` of the check. Default: 500.
   */
  readonly waitMs?: number;
}

/**
 * Passes when the data connections are ready. It needs no command and no connection, and does not
 * notice a server that hangs.
 */
export class ConnectedStrategy implements HealthCheckStrategy {
  readonly name = 'CONNECTED';
  readonly #waitMs: number;

  /** Throws `InvalidOptionError`. */
  constructor(options?: ConnectedStrategyOptions) {
    const values = new StrategyOptions(options, 'ConnectedStrategy', ['waitMs']);
    this.#waitMs = values.read('waitMs', durationOrNone, 500);
  }

  /** Resolves to true when the data connections are ready within `waitMs`. */
  async check(probe: Probe): Promise<boolean> {
    for (let waitedMs = 0; !probe.connected; waitedMs += LOOK_EVERY_MS) {
      if (waitedMs >= this.#waitMs) throw ownError(`no data connection to ${addressOf(probe)}`);
      await probe.wait(LOOK_EVERY_MS);
    }
    return true;
  }
}

function addressOf({ host, port }: Probe): string {
  return port === undefined ? host : `${host}:${port}`;
}
