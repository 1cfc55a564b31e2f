import { foreignText } from '../foreign/foreign-text.js';
import { ownError } from '../foreign/own-error.js';
import type { HealthCheckStrategy, Probe } from './strategy.js';

/**
 * Passes when PING answers PONG. An error reply (LOADING, NOAUTH ...) is the reason of a failure.
 */
export class PingStrategy implements HealthCheckStrategy {
  readonly name = 'PING';

  /** Resolves to true when PING is answered by PONG. */
  async check(probe: Probe): Promise<boolean> {
    const reply = await probe.sendCommand(['PING']);
    if (String(reply) !== 'PONG') throw ownError(`PING answered ${foreignText(String(reply), 40)}`);
    return true;
  }
}
