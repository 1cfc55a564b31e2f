/**
 * Fails over in a process of its own, whose URLs are in its arguments, while a subscriber of its
 * diagnostics channels throws. Prints what it saw as JSON when its standard input ends.
 */
import { subscribe } from 'node:diagnostics_channel';
import { createMultiDbClient, diagnosticsChannelName } from 'redis-multidb';

const [east = '', west = ''] = process.argv.slice(2);
const uncaught: string[] = [];
process.on('uncaughtException', (error) => uncaught.push(error.message));
const heard: string[] = [];
subscribe(diagnosticsChannelName('switch'), () => {
  throw new Error('from a subscriber');
});
subscribe(diagnosticsChannelName('switch'), (message) => {
  heard.push(String((message as { to?: string }).to));
});

const client = createMultiDbClient({
  client: { name: 'child' },
  // East is the first, also on a busy machine.
  initialWaitMs: 20_000,
  databases: [
    { id: 'east', weight: 2, client: { url: east } },
    { id: 'west', client: { url: west } },
  ],
});
client.on('failover', ({ to }) => process.stdout.write(`${to}\n`));
await client.connect();
process.stdout.write('ready\n');
for await (const _ of process.stdin);
const reply = await client.set('key', 'value');
process.stdout.write(`${JSON.stringify({ uncaught, heard, reply })}\n`);
client.destroy();
