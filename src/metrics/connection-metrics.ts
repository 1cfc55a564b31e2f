import { GEO, type MetricDefinition, point } from './metric.js';

/** Data connections, and the attempts on them. */
export const CONNECTION_METRICS: readonly MetricDefinition[] = Object.freeze([
  {
    name: 'in_flight_commands',
    otel: `${GEO}.in_flight_commands`,
    kind: 'level',
    unit: '{command}',
    help: 'Attempts in flight',
    labels: ['database'],
    read: ({ stats }) => stats.databases.map(({ id, inFlight }) => point(id, inFlight)),
  },
  {
    name: 'connections',
    otel: `${GEO}.connections`,
    kind: 'level',
    unit: '{connection}',
    help: 'Data connections by state',
    labels: ['database', 'state'],
    read: ({ stats }) =>
      stats.databases.flatMap(({ id, connections, draining }) => [
        { labels: { database: id, state: 'ready' }, value: connections },
        { labels: { database: id, state: 'draining' }, value: draining },
      ]),
  },
] satisfies MetricDefinition[]);
