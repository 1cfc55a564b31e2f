import express from 'express';
import { register } from 'prom-client';
import { isMultiDbError } from 'redis-multidb';
import { bearer, createHttpHandler } from 'redis-multidb/http';
import { prometheusMetrics } from 'redis-multidb/prometheus';
import { redis, steering } from './redis.js';

const { PORT = '3000', HOST = '127.0.0.1', OPS_TOKEN, SHUTDOWN_DELAY_MS = '5000' } = process.env;

// By default only this machine may read the status page, and nobody may change anything. With a token,
// requests with `Authorization: Bearer <token>` and browsers with it as their password may do both.
const ops = createHttpHandler(redis, {
  steering,
  ...(OPS_TOKEN && { authorize: bearer(OPS_TOKEN), challenge: 'Basic realm="redis"' }),
});
prometheusMetrics();

const app = express();
let isStopping = false;
app.use((_request, response, next) => {
  // A connection that is kept alive would hold the end up.
  if (isStopping) response.set('Connection', 'close');
  next();
});
app.use('/redis', ops); // the page, /redis/livez, /redis/readyz, /redis/status ...

app.get('/metrics', async (_request, response) => {
  response.type(register.contentType).send(await register.metrics());
});

app.get('/hits', async (_request, response) => {
  response.json({ hits: Number(await redis.get('hits')) });
});

app.post('/hits', async (_request, response) => {
  response.json({ hits: await redis.incr('hits') });
});

/** @type {import('express').ErrorRequestHandler} */
const onError = (error, _request, response, next) => {
  if (response.headersSent || !isMultiDbError(error)) return next(error);
  // When nothing can have happened, the caller may simply try again.
  if (!error.maybeExecuted) response.set('Retry-After', '1');
  response.status(503).json({ error: error.code, maybeExecuted: error.maybeExecuted });
};
app.use(onError);

await redis.connect();
const server = app.listen(Number(PORT), HOST, () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : address;
  console.log(`listening on http://${HOST}:${port}, status on http://${HOST}:${port}/redis`);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    isStopping = true;
    ops.close(); // not ready any more; ends the event streams
    // The load balancer needs a while to notice; until then requests are served as before.
    await new Promise((resolve) => setTimeout(resolve, Number(SHUTDOWN_DELAY_MS)));
    await new Promise((resolve) => server.close(resolve)); // what is under way is answered
    await redis.close(); // what is pending settles
  });
}
