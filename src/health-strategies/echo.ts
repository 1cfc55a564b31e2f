import { randomBytes } from 'node:crypto';
import { foreignText } from '../foreign/foreign-text.js';
import { ownError } from '../foreign/own-error.js';
import type { HealthCheckStrategy, Probe } from './strategy.js';

/**
 * Passes when ECHO returns the random text that was sent. Unlike PING, it fails for a connection on
 * which replies have shifted. A proxy may answer ECHO itself, as it does PING.
 */
export class EchoStrategy implements HealthCheckStrategy {
  readonly name = 'ECHO';

  /** Resolves to true when ECHO returns a random text. */
  async check(probe: Probe): Promise<boolean> {
    const sent = randomBytes(12).toString('hex');
    const reply = String(await probe.sendCommand(['ECHO', sent]));
    if (reply !== sent) throw ownError(`ECHO answered ${foreignText(reply, 40)} to ${sent}`);
    return true;
  }
}
