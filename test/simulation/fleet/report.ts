// Measures the fleets of docs/fleet.md and keeps the series for its plots:
// `npm run simulate:fleet:report -- --only refused --processes 10000`. Without `--only`: all of them.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../../src/testing/random.js';
import { Draw } from '../draw.js';
import { EAST, type Fleet, type FleetSettings, WEST } from './fleet.js';
import {
  type FleetFault,
  partialPartition,
  regionRefuses,
  regionSilent,
  totalOutage,
} from './fleet-faults.js';
import { steeringLost, steeringSplit } from './fleet-steering.js';
import type { Course } from './judge.js';
import { BUCKET_MS } from './measurements.js';
import {
  COMMAND_UNITS,
  courseOf,
  defaultSettings,
  planted,
  runScenario,
  type Scenario,
} from './scenario.js';

const FILE = path.join(import.meta.dirname, '../../../scripts/diagrams/fleet.json');

type Make = (processes: number) => Scenario;

function scenario(
  faultMs: number,
  settleMs: number,
  fault: (draw: Draw) => FleetFault,
  settings: Partial<FleetSettings> = {},
): Make {
  return (processes) => {
    const course: Course = {
      ...courseOf(faultMs, settleMs),
      endsAt: courseOf(faultMs, settleMs).settledAt,
    };
    const defaults = defaultSettings(1, processes, course);
    return {
      course,
      fault: fault(new Draw(seededRandom(1))),
      settings: { ...defaults, ...settings },
    };
  };
}

/** The documents of the runs with steering. */
const STEERED = { forMs: 50_000, spreadMs: 10_000 };

/** What docs/fleet.md shows, with the number of processes by default. */
const RUNS: Readonly<Record<string, { readonly processes: number; readonly make: Make }>> = {
  refused: { processes: 1000, make: scenario(12_000, 3000, () => regionRefuses()) },
  silent: { processes: 1000, make: scenario(12_000, 8000, (draw) => regionSilent(draw)) },
  partition: { processes: 500, make: scenario(15_000, 5000, (draw) => partialPartition(draw)) },
  lazy: {
    processes: 300,
    make: scenario(45_000, 5000, () => regionRefuses(), {
      options: { standbyConnections: 'lazy' },
    }),
  },
  lazyStorm: {
    processes: 300,
    make: scenario(45_000, 5000, () => regionRefuses(), {
      options: { standbyConnections: 'lazy' },
      connectionUnits: 40,
    }),
  },
  return: { processes: 200, make: scenario(15_000, 190_000, () => regionRefuses()) },
  ramp: {
    processes: 200,
    make: scenario(15_000, 310_000, () => regionRefuses(), {
      options: { failbackRampMs: 120_000 },
    }),
  },
  steeringLost: {
    processes: 500,
    make: scenario(20_000, 60_000, (draw) => steeringLost(draw, STEERED), { steering: 'service' }),
  },
  steeringSplit: {
    processes: 500,
    make: scenario(20_000, 60_000, () => steeringSplit('service', STEERED), {
      steering: 'service',
    }),
  },
  healed: { processes: 500, make: scenario(15_000, 190_000, (draw) => partialPartition(draw)) },
  outage: { processes: 500, make: scenario(15_000, 30_000, (draw) => totalOutage(draw)) },
  careful: { processes: 200, make: (processes) => planted(processes, 'careful') },
  reckless: { processes: 200, make: (processes) => planted(processes, 'reckless') },
};

function rounded(
  series: Float64Array,
  every: number,
  how: 'sum' | 'max' | 'last',
  factor = 1,
): number[] {
  const values: number[] = [];
  for (let from = 0; from + every <= series.length; from += every) {
    const part = [...series.subarray(from, from + every)];
    const value =
      how === 'sum'
        ? part.reduce((sum, each) => sum + each, 0)
        : how === 'max'
          ? Math.max(...part)
          : part.at(-1)!;
    values.push(Number((value * factor).toPrecision(4)));
  }
  return values;
}

/** Time from the fault until each process had another active database, sorted. */
function movedMs(fleet: Fleet, { faultAt }: Course): number[] {
  return fleet.processes
    .flatMap(({ switches }) => {
      const change = switches.find(({ at, to }) => at >= faultAt && to !== undefined);
      return change === undefined ? [] : [Math.round(change.at - faultAt)];
    })
    .sort((one, other) => one - other);
}

/** Time from the fault until each process that had moved was back on east, sorted. */
function returnedMs(fleet: Fleet, { faultAt }: Course): number[] {
  return fleet.processes
    .flatMap(({ switches }) => {
      const away = switches.findIndex(({ at, to }) => at >= faultAt && to !== EAST);
      const last = away === -1 ? undefined : switches.at(-1);
      return last?.to === EAST ? [Math.round(last.at - faultAt)] : [];
    })
    .sort((one, other) => one - other);
}

const quantiles = (sorted: readonly number[]) => {
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { half: at(0.5), most: at(0.99), last: sorted.at(-1) };
};

/** Highest sum of a series over a second after `from`. */
function peakPerSecond(fleet: Fleet, series: Float64Array, from: number): number {
  const { measurements: m, settings } = fleet;
  let peak = 0;
  for (let at = from; at + 1000 <= settings.durationMs; at += BUCKET_MS)
    peak = Math.max(peak, m.sum(series, at, at + 1000));
  return peak;
}

/** Time in which more than one percent of the processes do not follow the majority, in milliseconds. */
function disagreementMs(
  fleet: Fleet,
  from: number,
): { readonly ms: number; readonly most: number } {
  const { measurements: m, settings } = fleet;
  let [ms, most] = [0, 0];
  const [east, west] = [m.of(EAST).active, m.of(WEST).active];
  for (let each = m.bucket(from); each < m.bucket(settings.durationMs) - 1; each += 1) {
    const minority = settings.processes - Math.max(east[each]!, west[each]!);
    most = Math.max(most, minority);
    if (minority > settings.processes / 100) ms += BUCKET_MS;
  }
  return { ms, most };
}

const { values } = parseArgs({
  options: { only: { type: 'string' }, processes: { type: 'string' } },
});
Error.stackTraceLimit = 0;
for (const [name, { processes, make }] of Object.entries(RUNS)) {
  if (values.only !== undefined && !values.only.split(',').includes(name)) continue;
  const startedAt = performance.now();
  const made = make(Number(values.processes ?? processes));
  const { fleet, verdict } = await runScenario(made);
  const { measurements: m } = fleet;
  const { course, settings } = made;
  const moved = movedMs(fleet, course);
  const returned = returnedMs(fleet, course);
  const every = Math.max(1, Math.round(settings.durationMs / 600 / BUCKET_MS));
  const perSecond = 1000 / (every * BUCKET_MS);
  const database = (id: string) => {
    const of = m.of(id);
    const { unitsPerSecond } = fleet.database(id).capacity;
    return {
      active: rounded(of.active, every, 'last'),
      /** Work that arrives, as a share of the capacity. */
      load: rounded(of.units, every, 'sum', perSecond / unitsPerSecond),
      commands: rounded(of.commands, every, 'sum', perSecond * COMMAND_UNITS),
      probes: rounded(of.probes, every, 'sum', perSecond),
      connects: rounded(of.connects, every, 'sum', perSecond),
      queueMs: rounded(of.queueMs, every, 'max'),
    };
  };
  const peaksOf = (id: string) => {
    const { units, connects } = m.of(id);
    const { unitsPerSecond } = fleet.database(id).capacity;
    return {
      /** Share of the capacity. */
      load: Number((peakPerSecond(fleet, units, course.faultAt) / unitsPerSecond).toFixed(2)),
      connects: peakPerSecond(fleet, connects, course.faultAt),
    };
  };
  const summary = {
    processes: settings.processes,
    fault: made.fault.name,
    faultAt: course.faultAt,
    faultEndsAt: Math.round(course.faultEndsAt),
    moved: moved.length,
    movedMs: quantiles(moved),
    returned: returned.length,
    returnedMs: quantiles(returned),
    peakPerSecond: { east: peaksOf(EAST), west: peaksOf(WEST) },
    disagreement: disagreementMs(fleet, course.faultAt),
    failed: m.sum(m.failed, course.faultAt, settings.durationMs),
    started: m.sum(m.started, course.faultAt, settings.durationMs),
    recoveredAfterMs: Math.round(verdict.recoveredAfterMs),
    cpuSeconds: Math.round(process.cpuUsage().user / 1e6),
    seconds: Math.round((performance.now() - startedAt) / 1000),
    memoryMB: Math.round(process.memoryUsage.rss() / 1e6),
  };
  console.log(name, JSON.stringify(summary));
  const data = {
    ...summary,
    bucketMs: every * BUCKET_MS,
    succeeded: rounded(m.succeeded, every, 'sum', perSecond),
    failedPerSecond: rounded(m.failed, every, 'sum', perSecond),
    east: database(EAST),
    west: database(WEST),
  };
  // Read again each time: runs may be made at the same time.
  const all = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
  writeFileSync(FILE, `${JSON.stringify({ ...all, [name]: data })}\n`);
}
