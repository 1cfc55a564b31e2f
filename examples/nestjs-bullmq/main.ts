import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { bearer, createHttpHandler } from 'redis-multidb/http';
import { EmailModule } from './emails.js';
import { redis } from './redis.js';

const { PORT = '3000', HOST = '127.0.0.1', OPS_TOKEN, SHUTDOWN_DELAY_MS = '5000' } = process.env;

const ops = createHttpHandler(redis, {
  ...(OPS_TOKEN && { authorize: bearer(OPS_TOKEN), challenge: 'Basic realm="redis"' }),
});

const app = await NestFactory.create(EmailModule, {
  logger: ['error', 'warn'],
  // A connection that is kept alive would delay the end.
  forceCloseConnections: true,
});
app.use('/redis', ops); // the page, /redis/livez, /redis/readyz, /redis/status ...
await app.listen(Number(PORT), HOST);
const url = (await app.getUrl()).replace('[::1]', 'localhost');
console.log(`listening on ${url}, status on ${url}/redis`);

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    ops.close(); // not ready any more; ends the event streams
    // The load balancer needs a while to notice; until then requests are served as before.
    await new Promise((resolve) => setTimeout(resolve, Number(SHUTDOWN_DELAY_MS)));
    await app.close(); // waits for the jobs in progress
    await redis.quit();
  });
}
