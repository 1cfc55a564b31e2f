/**
 * A process in which an instrumentation has replaced methods of node-redis before anything loads it:
 * `otel` is OpenTelemetry's own, `datadog` replaces `addCommand` of the queue as dd-trace does. The
 * URL of the server is in its arguments. Prints what a plain client and a client of this package
 * showed, as JSON.
 */
import { createRequire } from 'node:module';
import { RedisInstrumentation } from '@opentelemetry/instrumentation-redis';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';

const [kind = '', url = ''] = process.argv.slice(2);
const seen: string[] = [];
const exporter = new InMemorySpanExporter();
if (kind === 'otel') {
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  new RedisInstrumentation();
} else {
  const module = createRequire(import.meta.url)(
    '../../node_modules/@redis/client/dist/lib/client/commands-queue.js',
  );
  class RedisCommandQueue extends module.default {}
  const { addCommand } = module.default.prototype;
  RedisCommandQueue.prototype.addCommand = function (
    this: { connection_options?: { port: number } },
    command: string[],
  ) {
    // biome-ignore lint/complexity/noArguments: this is how it is wrapped.
    const reply = addCommand.apply(this, arguments);
    const note = (outcome: string) => {
      seen.push(`${command[0]} ${outcome} ${this.connection_options?.port ?? ''}`.trim());
    };
    reply.then(
      () => note('ok'),
      () => note('failed'),
    );
    return reply;
  };
  module.default = RedisCommandQueue;
}
const { createClient } = await import('@redis/client');
const { createMultiDbClient } = await import('redis-multidb');

type Client = ReturnType<typeof createClient>;

async function use(client: Client) {
  exporter.reset();
  seen.length = 0;
  const replies = [
    await client.set('key', 'value'),
    await client.get('key'),
    await client.incr('key').catch((error: Error) => error.message),
    await client.withCommandOptions({ timeout: 5000 }).hSet('hash', 'field', 'value'),
    await client.multi().set('a', '1').incr('a').exec(),
    await client.multi().get('a').get('a').execAsPipeline(),
    await Promise.all(['a', 'b', 'c'].map((key) => client.get(key))),
  ];
  await new Promise((resolve) => setImmediate(resolve));
  const spans = exporter.getFinishedSpans().map(({ name, attributes, status }) => ({
    name,
    port: attributes['server.port'],
    status: status.code,
  }));
  return { replies, spans, seen: [...seen] };
}

const { hostname: host, port } = new URL(url);
const socket = { host, port: Number(port) };
const plain = createClient({ socket });
await plain.connect();
const theirs = await use(plain as unknown as Client);
await plain.flushAll();
plain.destroy();
const client = createMultiDbClient({ databases: [{ id: 'east', client: { url } }] });
await client.connect();
const ours = await use(client as unknown as Client);
// Health checks and connections are not commands of the application.
seen.length = 0;
exporter.reset();
const again = client.duplicate();
await again.connect();
await client.setActiveDatabase('east');
const own = { spans: exporter.getFinishedSpans().map(({ name }) => name), seen: [...seen] };
const error = await client.get('key').then(
  () => client.close(),
  (reason: unknown) => reason,
);
const late = await client.get('key').catch((reason: Error) => reason.constructor.name);
again.destroy();
process.stdout.write(JSON.stringify({ theirs, ours, own, late, failed: error !== undefined }));
