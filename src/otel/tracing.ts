import {
  type Attributes,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import type { TracedAttempt } from '../client/traced-call.js';
import { ATTRIBUTES } from '../metrics/metric.js';
import { observeCalls } from '../metrics/observed-calls.js';
import { type MeasuredClient, Subjects } from '../metrics/subjects.js';
import { COMMON, failureAttributes, serverAttributes } from './attributes.js';

/** Options of `otelTracing()`. */
export interface OtelTracingOptions {
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider;
  /** Default: every client of the process, those to come as well. */
  readonly clients?: readonly MeasuredClient[];
  /** Only commands inside another span get one. Default: false. */
  readonly requireParentSpan?: boolean;
  /**
   * Adds the arguments as `db.query.text`: keys as they are, values as `?`, as node-redis shows
   * them. Commands such as EVAL show all their arguments. Default: false.
   */
  readonly queryText?: boolean;
}

/**
 * Gives each command, transaction and pipeline one span from now on, by the semantic conventions
 * for Redis; returns what ends it. A retry or a takeover is an event of the span. Without it, no
 * command pays for it.
 */
export function otelTracing({
  tracerProvider,
  clients,
  requireParentSpan = false,
  queryText = false,
}: OtelTracingOptions = {}): () => void {
  const provider = tracerProvider ?? trace.getTracerProvider();
  const tracer = provider.getTracer('redis-multidb');
  const subjects = clients && new Subjects(clients);
  return observeCalls<Span>({
    onStart(call) {
      if (requireParentSpan && trace.getActiveSpan() === undefined) return undefined;
      if (subjects !== undefined && subjects.find(call.report.group) === undefined) {
        return undefined;
      }
      const attributes: Attributes = {
        ...COMMON,
        'db.operation.name': call.operation,
        [ATTRIBUTES.client]: call.report.client,
        ...serverAttributes(call),
      };
      if (call.batchSize !== undefined) attributes['db.operation.batch.size'] = call.batchSize;
      if (queryText && call.args.length > 0) attributes['db.query.text'] = call.args.join(' ');
      // The name holds no server: it may change while the command is on its way.
      const options = { kind: SpanKind.CLIENT, attributes };
      return tracer.startSpan(call.operation, options, context.active());
    },
    onEnd(call, span) {
      const { attempts } = call.report;
      const repeats = attempts.filter(({ hedge }) => !hedge).length - 1;
      const { failure } = call;
      span.setAttributes({ ...serverAttributes(call), ...failureAttributes(failure) });
      if (repeats > 0) span.setAttribute('redis.client.operation.retry_attempts', repeats);
      if (attempts.length > 1) addEvents(span, attempts);
      if (failure !== undefined) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: failure.type });
      }
      span.end();
    },
  });
}

/** An event for each attempt after the first one. */
function addEvents(span: Span, attempts: readonly TracedAttempt[]): void {
  for (const [index, attempt] of attempts.entries()) {
    const before = attempts[index - 1];
    if (before === undefined) continue;
    const { databaseId, serverAddress, serverPort, startedAt } = attempt;
    const isElsewhere = databaseId !== before.databaseId && !attempt.hedge;
    const attributes: Attributes = isElsewhere
      ? { [ATTRIBUTES.from]: before.databaseId, [ATTRIBUTES.to]: databaseId }
      : { [ATTRIBUTES.database]: databaseId };
    if (serverAddress !== undefined) attributes['server.address'] = serverAddress;
    if (serverPort !== undefined) attributes['server.port'] = serverPort;
    const name = attempt.hedge ? 'hedge' : isElsewhere ? 'takeover' : 'retry';
    span.addEvent(name, attributes, startedAt);
  }
}
