import type { FakeDatabase } from '../../src/testing/index.js';
import type { Draw } from './draw.js';
import type { DrawnOptions } from './options.js';

/**
 * - `fatal`: the database must be left
 * - `doubtful`: it may be left
 * - `benign`: it is well, and must not be left
 */
export type Severity = 'fatal' | 'doubtful' | 'benign';

export interface Fault {
  readonly name: string;
  severity(options: DrawnOptions): Severity;
  /** Ends by `end`; without one it is over at once. */
  readonly lasting: boolean;
  /** New connections are refused, and the open ones cut: noticed at once. */
  readonly refuses?: boolean;
  readonly losesProbe?: boolean;
  begin(database: FakeDatabase, draw: Draw, options: DrawnOptions): void;
}

const fatal = () => 'fatal' as const;
const doubtful = () => 'doubtful' as const;
/** A low threshold of the breaker makes a few failed commands a failed database. */
const unlessCounted = ({ minNumOfFailures }: DrawnOptions) =>
  minNumOfFailures < 1000 ? ('doubtful' as const) : ('benign' as const);

export const CRASH: Fault = {
  name: 'crash',
  severity: fatal,
  lasting: true,
  refuses: true,
  begin: (database) => database.crash(),
};

export const FAULTS: readonly Fault[] = [
  CRASH,
  { name: 'freeze', severity: fatal, lasting: true, begin: (database) => database.freeze() },
  { name: 'silence', severity: fatal, lasting: true, begin: (database) => database.silence() },
  {
    name: 'silence to the server',
    severity: fatal,
    lasting: true,
    begin: (database) => database.silence('to-server'),
  },
  {
    name: 'silence to the client',
    severity: fatal,
    lasting: true,
    begin: (database) => database.silence('to-client'),
  },
  {
    name: 'loading',
    severity: fatal,
    lasting: true,
    begin: (database) => {
      database.state = 'LOADING';
    },
  },
  {
    name: 'refuses new connections, cuts the open ones',
    severity: fatal,
    lasting: true,
    refuses: true,
    begin: (database) => {
      database.refuse();
      database.killConnections();
    },
  },
  {
    name: 'refuses new connections',
    severity: doubtful,
    lasting: true,
    begin: (database) => database.refuse(),
  },
  {
    name: 'a state that PING does not tell',
    severity: doubtful,
    lasting: true,
    begin: (database, draw) => {
      database.state = draw.one(['READONLY', 'MASTERDOWN', 'OOM', 'MISCONF', 'NOREPLICAS']);
    },
  },
  {
    name: 'very slow',
    severity: doubtful,
    lasting: true,
    begin: (database, draw) => {
      database.latencyMs = draw.between(200, 3000);
    },
  },
  {
    name: 'open connections go silent',
    severity: doubtful,
    lasting: false,
    begin: (database, draw) => database.loseConnections(draw.one([undefined, 'data', 'probe'])),
  },
  {
    name: 'slow',
    severity: () => 'benign',
    lasting: true,
    begin: (database, draw, { timeoutMs, suspectAfterMs, commandTimeoutMs }) => {
      const limit = Math.min(timeoutMs, suspectAfterMs, commandTimeoutMs) / 10;
      database.latencyMs = draw.between(1, limit);
    },
  },
  {
    name: 'connections killed',
    severity: unlessCounted,
    lasting: false,
    begin: (database, draw) =>
      database.killConnections(draw.one([undefined, undefined, 'data', 'probe'])),
  },
  {
    name: 'a probe is lost',
    severity: ({ policy, numProbes }) =>
      policy === 'ALL_SUCCESS' || (policy === 'ANY_SUCCESS' ? numProbes < 2 : numProbes < 3)
        ? 'doubtful'
        : 'benign',
    lasting: false,
    losesProbe: true,
    begin: (database) => database.loseProbes(1),
  },
];
