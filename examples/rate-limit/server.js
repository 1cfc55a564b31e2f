import express from 'express';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { redis } from './redis.js';

const { PORT = '3000', HOST = '127.0.0.1', POINTS = '10', DURATION_S = '60' } = process.env;

const limit = { points: Number(POINTS), duration: Number(DURATION_S) };
const limiter = new RateLimiterRedis({
  ...limit,
  storeClient: redis,
  useRedisPackage: true, // the API of node-redis
  // A point is never counted twice. Where nobody can know whether it was counted (the database failed at
  // that moment), and while no database serves, this process counts by itself.
  insuranceLimiter: new RateLimiterMemory(limit),
});

const app = express();

/** @type {import('express').RequestHandler} */
const limited = async (request, response, next) => {
  try {
    const { remainingPoints } = await limiter.consume(request.get('x-api-key') ?? 'nobody');
    response.set('X-RateLimit-Remaining', String(remainingPoints));
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused;
    response.set('Retry-After', String(Math.ceil(refused.msBeforeNext / 1000)));
    response.status(429).json({ error: 'too many requests' });
    return;
  }
  next();
};

app.get('/', limited, (_request, response) => {
  response.json({ database: redis.activeDatabase });
});

await redis.connect();
const server = app.listen(Number(PORT), HOST, () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : address;
  console.log(`listening on http://${HOST}:${port}`);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    await new Promise((resolve) => server.close(resolve)); // what is under way is answered
    await redis.close();
  });
}
