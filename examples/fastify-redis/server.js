import rateLimit from '@fastify/rate-limit';
import fastifyRedis from '@fastify/redis';
import fastify from 'fastify';
import { isMultiDbError } from 'redis-multidb';
import { bearer, createHttpHandler } from 'redis-multidb/http';
import { redis } from './redis.js';

const { PORT = '3000', HOST = '127.0.0.1', OPS_TOKEN, SHUTDOWN_DELAY_MS = '5000' } = process.env;
const { MAX = '100' } = process.env;

const ops = createHttpHandler(redis, {
  ...(OPS_TOKEN && { authorize: bearer(OPS_TOKEN), challenge: 'Basic realm="redis"' }),
});

const app = fastify();
let isStopping = false;
app.addHook('onSend', async (_request, reply) => {
  // A connection that is kept alive would delay the end.
  if (isStopping) reply.header('Connection', 'close');
});

// `app.redis` is the client. `closeClient`: `app.close()` also quits the client.
await app.register(fastifyRedis, { client: redis, closeClient: true });
// The page, /redis/livez, /redis/readyz ... have no rate limit, because they are registered first.
app.register(ops.fastify, { prefix: '/redis' });

await app.register(rateLimit, {
  max: Number(MAX),
  timeWindow: '1 minute',
  redis: app.redis,
  keyGenerator: (request) => String(request.headers['x-api-key'] ?? request.ip),
  // A request that was not counted, because a database failed at that moment, is served.
  skipOnError: true,
});

app.get('/hits', async () => ({ hits: Number(await app.redis.get('hits')) }));

app.post('/hits', async () => ({ hits: await app.redis.incr('hits') }));

app.setErrorHandler((error, _request, reply) => {
  if (!isMultiDbError(error)) throw error;
  // When nothing can have happened, the caller may simply try again.
  if (!error.maybeExecuted) reply.header('Retry-After', '1');
  return reply.status(503).send({ error: error.code, maybeExecuted: error.maybeExecuted });
});

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
