import type { CommandMessage } from '../diagnostics/command-channel.js';
import { failureOf } from '../metrics/call-failure.js';
import { COMMAND_DURATION, COMMAND_DURATION_BUCKETS } from '../metrics/histograms.js';
import { NONE, PREFIX } from '../metrics/metric.js';
import type { Subjects } from '../metrics/subjects.js';
import type { Value } from './value.js';

/** One histogram. */
class Series {
  readonly counts = new Array<number>(COMMAND_DURATION_BUCKETS.length + 1).fill(0);
  sum = 0;

  constructor(readonly labels: Readonly<Record<string, string>>) {}

  record(seconds: number): void {
    let index = 0;
    while (seconds > (COMMAND_DURATION_BUCKETS[index] ?? Number.POSITIVE_INFINITY)) index += 1;
    this.counts[index] = (this.counts[index] as number) + 1;
    this.sum += seconds;
  }
}

type Tree<Leaf> = Map<string, Leaf>;

/**
 * The histogram of commands, as a registry of prom-client uses a metric. A histogram of prom-client
 * would cost each command several microseconds, because it sorts and joins the labels of every
 * observation. Here a series is found by one lookup per label.
 */
export class CommandDurations {
  readonly name = PREFIX + COMMAND_DURATION.name;
  readonly help = COMMAND_DURATION.help;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  /** By client, command, database and error. */
  #series: Tree<Tree<Tree<Tree<Series>>>> = new Map();

  constructor(private readonly subjects: Subjects) {}

  record({ group, command, id = NONE, durationMs, failure }: CommandMessage): void {
    const client = this.subjects.find(group);
    if (client === undefined) return;
    const error = failure === undefined ? NONE : failureOf(failure.error).type;
    const byError = child(child(child(this.#series, client), command), id);
    let series = byError.get(error);
    if (series === undefined) {
      series = new Series({ client, database: id, operation: command, error });
      byError.set(error, series);
    }
    series.record(durationMs / 1000);
  }

  async get() {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: [...this.#values()] };
  }

  reset(): void {
    this.#series = new Map();
  }

  *#values(): Iterable<Value> {
    const { name } = this;
    for (const { labels, counts, sum } of this.#all()) {
      let count = 0;
      for (const [index, bound] of [...COMMAND_DURATION_BUCKETS, '+Inf'].entries()) {
        count += counts[index] as number;
        yield { metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: count };
      }
      yield { metricName: `${name}_sum`, labels, value: sum };
      yield { metricName: `${name}_count`, labels, value: count };
    }
  }

  *#all(): Iterable<Series> {
    for (const byCommand of this.#series.values()) {
      for (const byDatabase of byCommand.values()) {
        for (const byError of byDatabase.values()) yield* byError.values();
      }
    }
  }
}

function child<Key, Leaf>(tree: Map<Key, Map<string, Leaf>>, key: Key): Map<string, Leaf> {
  let found = tree.get(key);
  if (found === undefined) {
    found = new Map();
    tree.set(key, found);
  }
  return found;
}
