/** One value of a metric, as a registry of prom-client reads it. */
export interface Value {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}
