import type { Subject } from './subjects.js';

/** Beside `client`, which every metric has. */
export type Label =
  | 'database'
  | 'outcome'
  | 'check'
  | 'from'
  | 'to'
  | 'reason'
  | 'state'
  | 'operation'
  | 'source'
  | 'error';

export interface Point {
  readonly labels: Readonly<Partial<Record<Label, string>>>;
  readonly value: number;
}

export interface MetricDefinition {
  /** In Prometheus, after `redis_multidb_`. */
  readonly name: string;
  /** In OpenTelemetry. */
  readonly otel: string;
  /** `counter` only grows; `level` can be summed over clients, `gauge` can't. */
  readonly kind: 'counter' | 'level' | 'gauge';
  /** As in UCUM. Both systems get the same number. */
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly Label[];
  readonly read: (subject: Subject) => Iterable<Point>;
}

export const PREFIX = 'redis_multidb_';

/** Stands in labels for "no database". A label that is empty would be no label. */
export const NONE = 'none';

/** Prefix of the names in OpenTelemetry that Redis's own clients do not have. */
export const GEO = 'redis.client.geofailover';

/** Names of the labels in OpenTelemetry; where Redis's own clients have one, it is theirs. */
export const ATTRIBUTES: Readonly<Record<Label | 'client', string>> = Object.freeze({
  client: 'redis.client.name',
  database: `${GEO}.database`,
  outcome: `${GEO}.outcome`,
  check: `${GEO}.check`,
  from: 'db.client.geofailover.fail_from',
  to: 'db.client.geofailover.fail_to',
  reason: 'db.client.geofailover.reason',
  state: `${GEO}.connection.state`,
  operation: 'db.operation.name',
  source: `${GEO}.steering.source`,
  error: 'error.type',
});

/** The value of one database. */
export function point(database: string, value: number): Point {
  return { labels: { database }, value };
}
