import fastify from 'fastify';
import { register } from 'prom-client';
import { isMultiDbError } from 'redis-multidb';
import { bearer, createHttpHandler } from 'redis-multidb/http';
import { prometheusMetrics } from 'redis-multidb/prometheus';
import { redis } from './redis.js';

const { PORT = '3000', HOST = '127.0.0.1', OPS_TOKEN, SHUTDOWN_DELAY_MS = '5000' } = process.env;

// By default only this machine may read the status page, and nobody may change anything. With a token,
// requests with `Authorization: Bearer <token>` and browsers with it as their password may do both.
const ops = createHttpHandler(redis, {
  ...(OPS_TOKEN && { authorize: bearer(OPS_TOKEN), challenge: 'Basic realm="redis"' }),
});
prometheusMetrics();

const app = fastify();
let isStopping = false;
app.addHook('onSend', async (_request, reply) => {
  // A connection that is kept alive would hold the end up.
  if (isStopping) reply.header('Connection', 'close');
});
app.register(ops.fastify, { prefix: '/redis' }); // the page, /redis/livez, /redis/readyz ...

app.get('/metrics', async (_request, reply) => {
  reply.type(register.contentType);
  return register.metrics();
});

app.get('/hits', async () => ({ hits: Number(await redis.get('hits')) }));

app.post('/hits', async () => ({ hits: await redis.incr('hits') }));

app.setErrorHandler((error, _request, reply) => {
  if (!isMultiDbError(error)) throw error;
  // When nothing can have happened, the caller may simply try again.
  if (!error.maybeExecuted) reply.header('Retry-After', '1');
  return reply.status(503).send({ error: error.code, maybeExecuted: error.maybeExecuted });
});

app.addHook('onClose', () => redis.close()); // after the last answer; what is pending settles

await redis.connect();
const url = await app.listen({ port: Number(PORT), host: HOST });
console.log(`listening on ${url}, status on ${url}/redis`);

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    isStopping = true;
    ops.close(); // not ready any more; ends the event streams
    // The load balancer needs a while to notice; until then requests are served as before.
    await new Promise((resolve) => setTimeout(resolve, Number(SHUTDOWN_DELAY_MS)));
    await app.close();
  });
}
