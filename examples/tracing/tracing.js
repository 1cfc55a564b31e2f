// Prints each span as one line. For a collector, use the exporter of @opentelemetry/exporter-trace-otlp-http
// in place of `lines`, and BatchSpanProcessor in place of SimpleSpanProcessor.

import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { otelTracing } from 'redis-multidb/otel';

/** @type {import('@opentelemetry/sdk-trace-node').SpanExporter} */
const lines = {
  export(spans, done) {
    for (const { name, attributes, events, status, spanContext } of spans.map(shown)) {
      console.log(JSON.stringify({ trace: spanContext.traceId, name, attributes, events, status }));
    }
    done({ code: 0 });
  },
  shutdown: async () => {},
};

/** @param {import('@opentelemetry/sdk-trace-node').ReadableSpan} span */
function shown(span) {
  const { name, attributes, status } = span;
  const events = span.events.map((event) => ({ name: event.name, ...event.attributes }));
  return { name, attributes, events, status, spanContext: span.spanContext() };
}

const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(lines)] });
provider.register();
// After the provider is registered: every client of the process is traced from now on.
otelTracing({ requireParentSpan: true });
