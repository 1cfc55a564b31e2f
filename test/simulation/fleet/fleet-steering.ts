import type { SteeringDocument } from '../../../src/core/steering/document.js';
import type { SteeringSource } from '../../../src/options/steering.js';
import { redisSteering } from '../../../src/steering/redis.js';
import type { Draw } from '../draw.js';
import { EAST, type Fleet, WEST } from './fleet.js';
import type { FleetFault } from './fleet-faults.js';

/** Where the processes read steering documents: from a key in the databases, or from a service. */
export type SteeringKind = 'redis' | 'service';

const KEY = 'ops:steering';
const INTERVAL_MS = 5000;

/** A service with two replicas, such as two regions of a config manager, which a network may separate. */
export class SteeringService {
  /** No process can read anything. */
  isLost = false;
  /** Each process reads one replica only. */
  isSplit = false;
  /** The document of each replica. */
  readonly replicas: [string | undefined, string | undefined] = [undefined, undefined];

  /** The source of one process. */
  sourceOf(index: number): SteeringSource {
    return {
      name: 'service',
      watch: ({ deliver, absent, fail, after, random }) => {
        const read = () => {
          for (const [place, document] of this.replicas.entries()) {
            const origin = `replica ${place}`;
            if (this.isLost || (this.isSplit && place !== index % 2)) {
              fail(new Error('the service cannot be reached'), origin);
            } else if (document === undefined) absent(origin);
            else deliver(document, origin);
          }
          after(INTERVAL_MS * (0.8 + 0.4 * random()), read);
        };
        read();
        return () => {};
      },
    };
  }
}

/** The steering source of each process, by its index. */
export function steeringSources(
  kind: SteeringKind,
  service: SteeringService,
): (index: number) => SteeringSource {
  if (kind === 'service') return (index) => service.sourceOf(index);
  const source = redisSteering({ key: KEY, intervalMs: INTERVAL_MS });
  return () => source;
}

/** A document of now, which ends by itself after `forMs`. */
function documentOf(
  { clock }: Fleet,
  asks: Pick<SteeringDocument, 'drain' | 'spread'>,
  forMs: number,
): string {
  const now = clock.wallTime();
  const at = (time: number) => new Date(Math.round(time)).toISOString();
  return JSON.stringify({
    schemaVersion: 1,
    version: 1,
    issuedAt: at(now),
    until: at(now + forMs),
    by: 'operator',
    reason: 'a simulation',
    ...asks,
  });
}

/** How steering goes wrong: how long its documents are valid, and over how long the processes move. */
export interface SteeringCourse {
  readonly forMs: number;
  readonly spreadMs: number;
}

/** East is drained. Some seconds later, before all processes have read that, the source is lost. */
export function steeringLost(draw: Draw, { forMs, spreadMs }: SteeringCourse): FleetFault {
  const afterMs = draw.one([500, 2500, 4500]);
  let isOver = false;
  return {
    name: `the steering source is lost ${afterMs} ms after it began to drain east`,
    begin: (fleet) => {
      const { service, clock } = fleet;
      service.replicas.fill(documentOf(fleet, { drain: [EAST], spread: spreadMs }, forMs));
      clock.at(clock.now() + afterMs, () => {
        service.isLost = !isOver;
      });
    },
    end: ({ service }) => {
      isOver = true;
      service.isLost = false;
    },
  };
}

/** Two operators publish contradicting documents of one version, each to the place that he can reach. */
export function steeringSplit(kind: SteeringKind, { forMs, spreadMs }: SteeringCourse): FleetFault {
  const publish = (fleet: Fleet, place: number, drain: string) => {
    const document = documentOf(fleet, { drain: [drain], spread: spreadMs }, forMs);
    fleet.service.replicas[place] = document;
    fleet.values.set(`${place === 0 ? EAST : WEST} ${KEY}`, document);
  };
  const name =
    kind === 'service'
      ? 'the steering source is split: one half of the processes drains east, the other one west'
      : 'steering contradicts itself: the document in east drains west, the one in west drains east';
  return {
    name,
    begin: (fleet) => {
      fleet.service.isSplit = true;
      publish(fleet, 0, WEST);
      publish(fleet, 1, EAST);
    },
    end: ({ service }) => {
      service.isSplit = false;
    },
  };
}
