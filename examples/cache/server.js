import { createKeyv } from '@keyv/redis';
import { createCache } from 'cache-manager';
import express from 'express';
import { redis } from './redis.js';

const { PORT = '3000', HOST = '127.0.0.1', TTL_MS = '60000' } = process.env;

// A value may be stored again when the answer was lost in a switch. @keyv/redis brings the types of node-redis 5
// along, those of version 6 are foreign to it; what it calls is the same.
const client = /** @type {any} */ (redis.withRetrySafety('last-write-wins'));
const store = createKeyv(client, { namespace: 'products' });
const cache = createCache({ stores: [store], ttl: Number(TTL_MS) });
// While no database serves, everything is computed: an error is a miss.
store.on('error', (error) => console.error('cache:', error.message));

let computed = 0;

/** @param {string} id */
async function product(id) {
  computed += 1;
  await new Promise((resolve) => setTimeout(resolve, 50)); // as if it were expensive
  return { id, name: `Product ${id}` };
}

const app = express();
app.get('/products/:id', async ({ params }, response) => {
  response.json(await cache.wrap(params.id, () => product(params.id)));
});
app.get('/computed', (_request, response) => {
  response.json({ computed, database: redis.activeDatabase });
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
