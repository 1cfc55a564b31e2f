import './tracing.js';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import express from 'express';
import { isMultiDbError } from 'redis-multidb';
import { redis } from './redis.js';

const { PORT = '3000', HOST = '127.0.0.1' } = process.env;
const tracer = trace.getTracer('example');

const app = express();
// A span for each request, as an instrumentation of Express gives it.
app.use((request, response, next) => {
  const name = `${request.method} ${request.path}`;
  tracer.startActiveSpan(name, { kind: SpanKind.SERVER }, (span) => {
    response.once('finish', () => {
      if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute('http.response.status_code', response.statusCode);
      span.end();
    });
    next();
  });
});

app.get('/hits', async (_request, response) => {
  response.json({ hits: Number(await redis.get('hits')) });
});

app.post('/hits', async (_request, response) => {
  const [hits] = await redis.multi().incr('hits').expire('hits', 3600).exec();
  response.json({ hits });
});

/** @type {import('express').ErrorRequestHandler} */
const onError = (error, _request, response, next) => {
  if (response.headersSent || !isMultiDbError(error)) return next(error);
  response.status(503).json({ error: error.code, maybeExecuted: error.maybeExecuted });
};
app.use(onError);

await redis.connect();
const server = app.listen(Number(PORT), HOST, () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : address;
  console.log(`listening on http://${HOST}:${port}`);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    await new Promise((resolve) => server.close(resolve));
    await redis.close();
  });
}
