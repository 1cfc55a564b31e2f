import type { HealthCheckStrategy, Probe } from './strategy.js';

/** Healthy when PING answers PONG. Any error reply (LOADING, NOAUTH, ...) is the reason if not. */
export class PingStrategy implements HealthCheckStrategy {
  readonly name = 'PING';

  async check(probe: Probe): Promise<boolean> {
    const reply = await probe.sendCommand(['PING']);
    if (String(reply) !== 'PONG') throw new Error(`PING answered ${String(reply).slice(0, 40)}`);
    return true;
  }
}
