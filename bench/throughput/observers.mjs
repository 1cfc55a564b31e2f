// What observes the commands of a contestant.

import { tracingChannel } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const root = path.resolve(import.meta.dirname, '../..');
const entry = (/** @type {string} */ name) =>
  import(pathToFileURL(path.join(root, `dist/${name}/index.js`)).href);

/** A subscriber that does nothing: what the messages of the channel cost by themselves. */
export function emptySubscriber() {
  tracingChannel('node-redis:command').subscribe({
    start() {},
    end() {},
    asyncStart() {},
    asyncEnd() {},
    error() {},
  });
}

export async function prometheusDurations() {
  /** @type {typeof import('redis-multidb/prometheus')} */
  const { prometheusMetrics } = await entry('prometheus');
  const { Registry } = require('prom-client');
  prometheusMetrics({ register: new Registry(), commandDurations: true });
}

export async function otelDurations() {
  /** @type {typeof import('redis-multidb/otel')} */
  const { otelMetrics } = await entry('otel');
  const sdk = require('@opentelemetry/sdk-metrics');
  const reader = new sdk.PeriodicExportingMetricReader({
    exporter: new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE),
    exportIntervalMillis: 3_600_000,
  });
  const meterProvider = new sdk.MeterProvider({ readers: [reader] });
  otelMetrics({ meterProvider, commandDurations: true });
}

/** Spans that end, and are exported nowhere. */
export async function otelSpans() {
  /** @type {typeof import('redis-multidb/otel')} */
  const { otelTracing } = await entry('otel');
  const { NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');
  otelTracing({ tracerProvider: new NodeTracerProvider() });
}
