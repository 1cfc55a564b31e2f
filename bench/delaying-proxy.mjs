// Forwards connections to a server and delays what it answers, in a process of its own:
// node delaying-proxy.mjs PORT MS. Sends the port that it listens on to its parent.

import net from 'node:net';

const [port, delayMs] = process.argv.slice(2).map(Number);

const proxy = net.createServer({ noDelay: true }, (client) => {
  const server = net.connect({ host: '127.0.0.1', port: port ?? 0, noDelay: true });
  client.on('data', (chunk) => server.write(chunk));
  server.on('data', (chunk) => setTimeout(() => client.write(chunk), delayMs));
  for (const [one, other] of [
    [client, server],
    [server, client],
  ]) {
    one?.on('error', () => {});
    one?.on('close', () => other?.destroy());
  }
});
proxy.listen(0, '127.0.0.1', () => {
  process.send?.(/** @type {net.AddressInfo} */ (proxy.address()).port);
});
process.once('disconnect', () => process.exit());
