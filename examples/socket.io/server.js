import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { Server } from 'socket.io';
import { redis } from './redis.js';

const { PORT = '3000', HOST = '127.0.0.1' } = process.env;

const PAGE = `<!doctype html><title>Chat</title><form><input autofocus><button>Send</button></form><pre></pre>
<script src="/socket.io/socket.io.js"></script><script>
  const [form, input, all] = ['form', 'input', 'pre'].map((name) => document.querySelector(name));
  const socket = io();
  form.onsubmit = (event) => (event.preventDefault(), socket.emit('message', input.value), form.reset());
  socket.on('message', (text) => all.append(text + '\\n'));
</script>`;

// Subscriptions and publications may share one client; with one of its own each can be closed in order.
const subscriber = redis.duplicate();
await Promise.all([redis.connect(), subscriber.connect()]);

const server = createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/html').end(PAGE);
});
const io = new Server(server, { adapter: createAdapter(redis, subscriber) });

io.on('connection', (socket) => {
  socket.on('message', (text) => io.emit('message', text)); // to all sockets of every server
});

subscriber.on('subscriptions-restored', ({ id, gapMs }) => {
  console.warn(`messages between servers go over ${id}; those of ${gapMs} ms may be missing`);
});

server.listen(Number(PORT), HOST, () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : address;
  console.log(`listening on http://${HOST}:${port}`);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    await io.close();
    await subscriber.close();
    await redis.close();
  });
}
