import type { MultiDbOptions } from '../../../src/options/types.js';
import { resolveOptions } from '../../../src/options/validate.js';
import { seededRandom } from '../../../src/testing/random.js';
import { FleetClock } from './fleet-clock.js';
import { type Callers, FleetProcess } from './fleet-process.js';
import { type SteeringKind, SteeringService, steeringSources } from './fleet-steering.js';
import { BUCKET_MS, Measurements } from './measurements.js';
import { ModelDatabase } from './model-database.js';
import { Path } from './model-network.js';

export const EAST = 'east';
export const WEST = 'west';

/** Latency of one direction from each zone to each database, in milliseconds. */
export const ZONES: Readonly<Record<string, { readonly east: number; readonly west: number }>> = {
  east: { east: 0.5, west: 35 },
  west: { east: 35, west: 0.5 },
  central: { east: 15, west: 20 },
};

export interface FleetSettings {
  readonly seed: number;
  readonly processes: number;
  readonly durationMs: number;
  /** Share of the capacity of one database that the callers of all processes need. */
  readonly utilization: number;
  /** Work of one connection, in ordinary commands. */
  readonly connectionUnits: number;
  readonly dropAfterMs: number;
  readonly callers: Callers;
  readonly options?: Omit<MultiDbOptions, 'databases' | 'client' | 'instanceId' | 'steering'>;
  /** Where the processes read steering documents; undefined: they are not steered. */
  readonly steering?: SteeringKind;
  /** Ordinary commands that one simulated request stands for. */
  readonly commandUnits: number;
  /** Time over which the processes start, in milliseconds. */
  readonly startMs: number;
}

/** Processes with the real engine over two databases with limited capacity. All prefer east. */
export class Fleet {
  readonly clock = new FleetClock();
  readonly measurements: Measurements;
  readonly databases: ReadonlyMap<string, ModelDatabase>;
  readonly processes: FleetProcess[];
  readonly paths: Path[] = [];
  readonly random;
  /** Strings at keys, as `east key`; written by an operator. */
  readonly values = new Map<string, string>();
  readonly service = new SteeringService();

  constructor(readonly settings: FleetSettings) {
    const { seed, processes, durationMs, callers, commandUnits, utilization } = settings;
    const { clock } = this;
    this.random = seededRandom(seed);
    this.measurements = new Measurements([EAST, WEST], durationMs, () => clock.now());
    const unitsPerSecond = (processes * callers.requestsPerSecond * commandUnits) / utilization;
    const { connectionUnits, dropAfterMs } = settings;
    const capacity = { unitsPerSecond, connectionUnits, dropAfterMs };
    this.databases = new Map(
      [EAST, WEST].map((id) => [id, new ModelDatabase(id, capacity, clock, this.measurements)]),
    );
    const resolved = resolveOptions({
      ...settings.options,
      databases: [
        { id: EAST, weight: 1 },
        { id: WEST, weight: 0.5 },
      ],
    });
    const { steering } = settings;
    const sourceOf = steering === undefined ? undefined : steeringSources(steering, this.service);
    const zones = Object.keys(ZONES);
    this.processes = Array.from({ length: processes }, (_, index) => {
      const zone = zones[index % zones.length]!;
      const paths = new Map(
        [...this.databases.values()].map((database) => {
          const latencyMs = ZONES[zone]![database.id as 'east' | 'west'];
          const path = new Path(clock, database, latencyMs, this.measurements);
          this.paths.push(path);
          return [database.id, path];
        }),
      );
      return new FleetProcess(clock, this.measurements, {
        index,
        zone,
        options: {
          ...resolved,
          instanceId: `process-${index}`,
          steering: sourceOf === undefined ? [] : [sourceOf(index)],
        },
        callers,
        commandUnits,
        paths,
        values: this.values,
        random: seededRandom(seed * 1_000_003 + index),
      });
    });
  }

  database(id: string): ModelDatabase {
    return this.databases.get(id)!;
  }

  /** Runs the whole duration. */
  async run(): Promise<void> {
    const { startMs, durationMs } = this.settings;
    const { clock } = this;
    for (const process of this.processes) clock.at(this.random() * startMs, () => process.start());
    const look = () => {
      const bucket = this.measurements.bucket();
      for (const id of [EAST, WEST]) {
        this.measurements.of(id).active[bucket] = this.processes.reduce(
          (count, process) => count + (process.active === id ? 1 : 0),
          0,
        );
      }
      if (clock.now() + BUCKET_MS < durationMs) clock.at(clock.now() + BUCKET_MS, look);
    };
    clock.at(BUCKET_MS / 2, look);
    await clock.run(durationMs);
    for (const process of this.processes) process.stop();
    await clock.run(durationMs + 1);
  }
}
