import { ConnectedStrategy } from '../../src/health-strategies/connected.js';
import { PingStrategy } from '../../src/health-strategies/ping.js';
import type { HealthCheckStrategy } from '../../src/health-strategies/strategy.js';
import type { SimulatedDatabase } from '../../src/testing/index.js';
import type { Draw } from './draw.js';
import type { DrawnOptions } from './options.js';

/**
 * What is checked of a database. The last three are blind: no probe asks the server, and only its
 * port and its breaker tell that it fails.
 */
export type CheckKind = 'group' | 'custom' | 'gated' | 'none' | 'only a gate' | 'connected';

/** What a closed gate does. */
export type ClosedGate = 'false' | 'throws' | 'hangs' | 'error reply';

/** The checks of one database. */
export class Checks {
  /** Undefined: open. */
  gate: ClosedGate | undefined;

  constructor(readonly kind: CheckKind) {}

  static draw(draw: Draw): Checks {
    const kinds = ['custom', 'gated', 'none', 'only a gate', 'connected'] as const;
    return new Checks(draw.chance(0.7) ? 'group' : draw.one(kinds));
  }

  get isBlind(): boolean {
    return this.kind === 'none' || this.kind === 'only a gate' || this.kind === 'connected';
  }

  get hasGate(): boolean {
    return this.kind === 'gated' || this.kind === 'only a gate';
  }

  options({
    standbyConnections,
    ...options
  }: DrawnOptions): Pick<SimulatedDatabase, 'healthCheck'> {
    const { intervalMs, timeoutMs, numProbes, delayInBetweenProbesMs, policy } = options;
    const timing = { intervalMs, timeoutMs, numProbes, delayInBetweenProbesMs, policy };
    const check = (strategy: HealthCheckStrategy) => ({ ...timing, strategy });
    switch (this.kind) {
      case 'group':
        return {};
      case 'custom':
        return { healthCheck: check(ECHO) };
      case 'gated':
        return { healthCheck: [check(new PingStrategy()), check(this.#gate)] };
      case 'none':
        return { healthCheck: false };
      case 'only a gate':
        return { healthCheck: check(this.#gate) };
      case 'connected':
        return { healthCheck: check(new ConnectedStrategy({ waitMs: timeoutMs / 2 })) };
    }
  }

  readonly #gate: HealthCheckStrategy = {
    name: 'gate',
    role: 'gate',
    check: async (probe) => {
      if (this.gate === 'throws') throw new Error('the gate is closed');
      if (this.gate === 'hangs') await new Promise(() => {});
      if (this.gate === 'error reply') await probe.sendCommand(['NOSUCHCOMMAND']);
      return this.gate === undefined;
    },
  };
}

const ECHO: HealthCheckStrategy = {
  name: 'custom',
  check: async (probe) => (await probe.sendCommand(['ECHO', 'custom'])) === 'custom',
};
