import type { Draw } from './draw.js';
import type { DrawnOptions } from './options.js';
import type { Place } from './world.js';

/**
 * - `fatal`: the database must be left
 * - `doubtful`: it may be left
 * - `benign`: the database is healthy, and must not be left
 */
export type Severity = 'fatal' | 'doubtful' | 'benign';

export interface Fault {
  readonly name: string;
  severity(options: DrawnOptions, place: Place): Severity;
  /** Ends by `end`; without one it is over at once. */
  readonly lasting: boolean;
  /** New connections are refused, and the open ones cut: noticed at once. */
  readonly refuses?: boolean;
  readonly losesProbe?: boolean;
  /** Commands fail although the database is healthy, and a custom failure detector counts them. */
  readonly isCounted?: boolean;
  begin(place: Place, draw: Draw, options: DrawnOptions): void;
}

/** The end of a connection whose flow was forgotten is not seen, and blind checks ask nobody. */
const fatalIfSeen = (_: DrawnOptions, { checks, fake }: Place) =>
  checks.isBlind && fake.lostConnections > 0 ? ('doubtful' as const) : ('fatal' as const);
/** Nobody asks a database whose checks are blind. */
const unlessBlind = (_: DrawnOptions, { checks }: Place) => (checks.isBlind ? 'doubtful' : 'fatal');
const doubtful = () => 'doubtful' as const;
/** A low threshold of the breaker makes a few failed commands a failed database. */
const unlessCounted = ({ minNumOfFailures }: DrawnOptions) =>
  minNumOfFailures < 1000 ? ('doubtful' as const) : ('benign' as const);

export const CRASH: Fault = {
  name: 'crash',
  severity: fatalIfSeen,
  lasting: true,
  refuses: true,
  begin: ({ fake }) => fake.crash(),
};

/** A firewall loses its state: open connections are silent for ever, new ones pass. */
export const FORGOTTEN_FLOWS: Fault = {
  name: 'flows are forgotten',
  severity: unlessCounted,
  lasting: false,
  isCounted: true,
  begin: ({ fake }, draw) =>
    fake.loseConnections(
      draw.one([undefined, undefined, 'data', 'probe']),
      draw.one(['both', 'both', 'to-server', 'to-client']),
    ),
};

export const FAULTS: readonly Fault[] = [
  CRASH,
  { name: 'freeze', severity: unlessBlind, lasting: true, begin: ({ fake }) => fake.freeze() },
  { name: 'silence', severity: unlessBlind, lasting: true, begin: ({ fake }) => fake.silence() },
  {
    name: 'silence to the server',
    severity: unlessBlind,
    lasting: true,
    begin: ({ fake }) => fake.silence('to-server'),
  },
  {
    name: 'silence to the client',
    severity: unlessBlind,
    lasting: true,
    begin: ({ fake }) => fake.silence('to-client'),
  },
  {
    name: 'loading',
    severity: unlessBlind,
    lasting: true,
    begin: ({ fake }) => {
      fake.state = 'LOADING';
    },
  },
  {
    name: 'refuses new connections, cuts the open ones',
    severity: fatalIfSeen,
    lasting: true,
    refuses: true,
    begin: ({ fake }) => {
      fake.refuse();
      fake.killConnections();
    },
  },
  {
    name: 'refuses new connections',
    severity: doubtful,
    lasting: true,
    begin: ({ fake }) => fake.refuse(),
  },
  {
    name: 'a state that PING does not tell',
    severity: doubtful,
    lasting: true,
    begin: ({ fake }, draw) => {
      fake.state = draw.one(['READONLY', 'MASTERDOWN', 'OOM', 'MISCONF', 'NOREPLICAS']);
    },
  },
  {
    name: 'very slow',
    severity: doubtful,
    lasting: true,
    begin: ({ fake }, draw) => {
      fake.latencyMs = draw.between(200, 3000);
    },
  },
  FORGOTTEN_FLOWS,
  {
    name: 'another server behind its name',
    severity: unlessCounted,
    lasting: false,
    isCounted: true,
    begin: ({ fake }) => fake.move(),
  },
  {
    name: 'its name leads to a replica as well',
    severity: doubtful,
    lasting: true,
    begin: ({ fake }) => fake.alternate(),
  },
  {
    name: 'new connections get no answer',
    severity: doubtful,
    lasting: true,
    begin: ({ fake }) => fake.blackhole(),
  },
  {
    name: 'slow',
    severity: () => 'benign',
    lasting: true,
    begin: ({ fake }, draw, { timeoutMs, suspectAfterMs, commandTimeoutMs, isAdaptive }) => {
      // The shortest adaptive patience is 240 ms.
      const shortest = isAdaptive ? 240 : Math.min(timeoutMs, suspectAfterMs);
      const limit = Math.min(shortest, commandTimeoutMs) / 10;
      fake.latencyMs = draw.between(1, limit);
    },
  },
  {
    name: 'connections killed',
    severity: unlessCounted,
    lasting: false,
    begin: ({ fake }, draw) =>
      fake.killConnections(draw.one([undefined, undefined, 'data', 'probe'])),
  },
  {
    name: 'lossy',
    severity: doubtful,
    lasting: true,
    begin: (place, draw) => {
      const { fake } = place;
      const lose = () => {
        if (place.fault?.fault.name !== 'lossy') return;
        fake.killConnections(draw.one([undefined, 'data', 'probe']));
        fake.clock.elsewhere(draw.between(50, 500), lose);
      };
      fake.clock.elsewhere(0, lose);
    },
  },
  {
    name: 'a probe is lost',
    severity: ({ policy, numProbes }) =>
      policy === 'ALL_SUCCESS' || (policy === 'ANY_SUCCESS' ? numProbes < 2 : numProbes < 3)
        ? 'doubtful'
        : 'benign',
    lasting: false,
    losesProbe: true,
    begin: ({ fake }) => fake.loseProbes(1),
  },
  {
    name: 'a gate closes',
    severity: () => 'benign',
    lasting: true,
    begin: ({ checks }, draw) => {
      checks.gate = draw.one(['false', 'throws', 'hangs', 'error reply']);
    },
  },
];
