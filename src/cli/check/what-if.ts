/** The questions of `check --what-if`: the options of the target, over simulated databases. */
import { PingStrategy } from '../../health-strategies/ping.js';
import type { DatabaseOptions } from '../../options/database-options.js';
import type { MultiDbOptions } from '../../options/types.js';
import { type WhatIf, whatIf } from '../../what-if/what-if.js';
import type { Target } from '../target.js';

export interface WhatIfReport extends WhatIf {
  /** Number of processes that share the databases. */
  readonly fleet: number;
}

/**
 * Health checks keep their times and policy, and send PING. `unhealthyAfterMs` is that of the preferred database, because
 * it depends on the topology.
 */
export async function askWhatIf(
  { options, resolved }: Target,
  fleet: number,
): Promise<WhatIfReport> {
  const { databases: given, client: _client, healthCheck: _check, ...group } = options;
  const [preferred] = [...resolved.databases].sort((one, other) => other.weight - one.weight);
  const databases = resolved.databases.map((database, index) => {
    const own = (given as DatabaseOptions[])[index] ?? {};
    const { failureDetector, gracePeriodMs, failbackCheckIntervalMs } = own;
    const check = database.healthChecks.find(({ role }) => role === 'full');
    const { intervalMs, timeoutMs, numProbes, delayInBetweenProbesMs, policy } = check ?? {};
    return {
      id: database.id,
      weight: database.weight,
      healthCheck:
        check === undefined
          ? (false as const)
          : {
              strategy: new PingStrategy(),
              ...{ intervalMs, timeoutMs, numProbes, delayInBetweenProbesMs, policy },
            },
      ...(failureDetector === undefined ? {} : { failureDetector }),
      ...(gracePeriodMs === undefined ? {} : { gracePeriodMs }),
      ...(failbackCheckIntervalMs === undefined ? {} : { failbackCheckIntervalMs }),
    };
  }) as Parameters<typeof whatIf>[0]['databases'];
  const simulated = {
    ...(group as Omit<MultiDbOptions, 'databases' | 'client'>),
    unhealthyAfterMs: preferred?.unhealthyAfterMs ?? 0,
  };
  return { ...(await whatIf({ databases, options: simulated })), fleet };
}
