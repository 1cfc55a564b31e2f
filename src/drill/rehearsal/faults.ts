/** How a proxy plays each fault. */
import type { Command } from '../../test-bed/proxy/command-tracker.js';
import type { FaultProxy } from '../../test-bed/proxy/fault-proxy.js';
import type { OutageKind } from '../report/model.js';
import type { FaultName } from './settings.js';

export interface Fault {
  readonly title: string;
  /** `failover`: the next database must serve; `stays`: nothing may change. */
  readonly outcome: 'failover' | 'stays';
  /** How the fault is displayed; undefined: it is over at once. */
  readonly kind: OutageKind | undefined;
  apply(proxy: FaultProxy, delayMs: number): void;
}

const READONLY = "-READONLY You can't write against a read only replica.";
/** Of the connections, every 200 ms. */
const LOST_SHARE = 0.3;
const WRITES = new Set([
  'SET',
  'INCR',
  'HSET',
  'LPUSH',
  'XADD',
  'DEL',
  'UNLINK',
  'EXPIRE',
  'PEXPIRE',
]);

/** Faults of one database; `switch` and `all-down` affect more than one. */
export const FAULTS_OF_ONE: Readonly<Record<Exclude<FaultName, 'switch' | 'all-down'>, Fault>> = {
  kill: {
    title: 'Kill',
    outcome: 'failover',
    kind: 'down',
    apply: (proxy) => {
      proxy.refuse();
      proxy.reset();
    },
  },
  freeze: {
    title: 'Freeze',
    outcome: 'failover',
    kind: 'frozen',
    apply: (proxy) => proxy.silence(),
  },
  'half-open': {
    title: 'Half-open connections of',
    outcome: 'failover',
    kind: 'frozen',
    apply: (proxy) => proxy.halfOpen(),
  },
  reset: {
    title: 'Cut every connection of',
    outcome: 'stays',
    kind: undefined,
    apply: (proxy) => {
      proxy.reset();
    },
  },
  delay: {
    title: 'Slow the replies of',
    outcome: 'stays',
    kind: 'slow',
    apply: (proxy, delayMs) => proxy.delay({ toClientMs: delayMs }),
  },
  slow: {
    title: 'Slow the calls of',
    outcome: 'failover',
    kind: 'slow',
    apply: (proxy, delayMs) => proxy.delay({ toClientMs: delayMs }),
  },
  lossy: {
    title: 'Cut a share of the connections of',
    outcome: 'stays',
    kind: 'lossy',
    apply: (proxy) => proxy.lossy({ share: LOST_SHARE }),
  },
  'read-only': {
    title: 'Demote',
    outcome: 'failover',
    kind: 'read-only',
    apply: (proxy) => proxy.answerWith(READONLY, isWrite),
  },
};

function isWrite([name = '']: Command): boolean {
  return WRITES.has(name.toUpperCase());
}
