/** The handler behind node:http2, whose requests have their host in `:authority`. */
import { type ClientHttp2Session, connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createHttpHandler } from 'redis-multidb/http';
import { expect, it, onTestFinished } from 'vitest';
import { once, waitFor } from '../kit/index.js';
import { TOKEN, WITH_TOKEN } from './http-support.js';
import { connected, servers } from './support.js';

async function serve(options: object = WITH_TOKEN) {
  const client = await connected(await servers());
  const handler = createHttpHandler(client, options);
  const server = createServer(handler as never).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const session = connect(`http://localhost:${port}`);
  onTestFinished(() => {
    handler.close();
    session.destroy();
    server.close();
  });
  return { session };
}

async function ask(session: ClientHttp2Session, headers: object, body?: string) {
  const request = session.request({ ':path': '/status', ...headers });
  request.end(body);
  const [answered] = (await once(request, 'response')) as [{ ':status': number }];
  let text = '';
  for await (const chunk of request) text += chunk;
  return { status: answered[':status'], text };
}

it('answers as over HTTP/1.1', async () => {
  const { session } = await serve();
  expect((await ask(session, { ':path': '/' })).text).toContain('<html');
  expect(JSON.parse((await ask(session, {})).text)).toMatchObject({ activeDatabase: 'east' });
  const events = session.request({ ':path': '/events' });
  let told = '';
  events.on('data', (chunk) => {
    told += chunk;
  });
  await waitFor(() => told.includes('event: status'), { what: 'the status' });
  const change = {
    ':method': 'POST',
    ':path': '/active',
    'content-type': 'application/json',
    authorization: TOKEN,
  };
  const { status } = await ask(session, change, '{"database":"west"}');
  expect(status).toBe(200);
  // A failback may follow at once.
  await waitFor(() => /event: switch\ndata: .*"to":"west"/.test(told), { what: 'the switch' });
  events.close();
});

it('refuses a foreign name, and one that differs from the Host', async () => {
  const { session } = await serve({ ...WITH_TOKEN, hosts: ['ops.example.com'] });
  const withToken = { authorization: TOKEN };
  const authority = (name: string) => ask(session, { ...withToken, ':authority': name });
  expect((await authority('ops.example.com')).status).toBe(200);
  expect((await authority('attacker.example.com')).status).toBe(403);
  const differing = { ...withToken, ':authority': 'ops.example.com', host: 'localhost' };
  expect((await ask(session, differing)).status).not.toBe(200);
});
