import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { redis } from './redis.js';

const { PORT = '3000', HOST = '127.0.0.1', SESSION_SECRET = 'change me' } = process.env;

const app = express();
app.use(
  session({
    // A session is written as a whole, so it may be written again when the answer was lost in a switch.
    store: new RedisStore({ client: redis.withRetrySafety('last-write-wins') }),
    secret: SESSION_SECRET,
    resave: false,
    saveUninitialized: false,
  }),
);

app.get('/', (request, response) => {
  const own = /** @type {{ visits?: number }} */ (request.session);
  own.visits = (own.visits ?? 0) + 1;
  response.json({ visits: own.visits, database: redis.activeDatabase });
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
