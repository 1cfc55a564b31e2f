// An application that gets wrong what it can, as its variables say; for the drill.
import { createServer } from 'node:http';
import { createClient } from '@redis/client';

const { EAST_URL, WEST_URL, PORT, WRONG = '' } = process.env;
/** @param {string} what */
const is = (what) => WRONG.split(',').includes(what);

if (is('start')) {
  console.error(`no configuration for redis://app:hunter2@redis.example.com, giving up`);
  process.exit(3);
}

const urls = is('bypass') ? [process.env.DIRECT_URL, WEST_URL] : [EAST_URL, WEST_URL];
const clients = urls.map((url) => createClient({ url, disableOfflineQueue: true }));
for (const client of clients) {
  client.on('error', (error) => {
    if (!is('crash')) return;
    console.error(`lost ${EAST_URL}: ${error.message}`);
    process.exit(7);
  });
}
await Promise.all(clients.map((client) => client.connect()));

let active = /** @type {(typeof clients)[0]} */ (clients[0]);
/** @type {number | undefined} */
let failingSince;

/** Changes over by itself, and takes its time. */
async function count() {
  try {
    const answer = await active.incr('visits');
    failingSince = undefined;
    return answer;
  } catch (error) {
    failingSince ??= performance.now();
    if (performance.now() - failingSince > 1000)
      active = /** @type {(typeof clients)[0]} */ (clients[1]);
    throw error;
  }
}

const server = createServer(async (_request, response) => {
  try {
    response.end(String(await count()));
  } catch {
    response.writeHead(500).end();
  }
}).listen(Number(PORT), '127.0.0.1');

if (is('deaf')) process.on('SIGTERM', () => {});
else if (!is('unprepared')) {
  process.once('SIGTERM', () => {
    server.close();
    for (const client of clients) client.destroy();
  });
}
