/** A proxy that answers PING and ECHO by itself, whatever is behind it. */

import type { AddressInfo } from 'node:net';
import { createConnection, createServer, type Socket } from 'node:net';
import { createMultiDbClient, EchoStrategy, PingStrategy, WriteReadStrategy } from 'redis-multidb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeCommand, once, type RedisServer, RespParser } from '../kit/index.js';
import { active, own, QUICK, servers } from './support.js';

/** Passes commands on to `target`, or answers `refusal` to all of them. */
async function startRedisProxy(target: RedisServer) {
  const sockets = new Set<Socket>();
  const state = { refusal: undefined as string | undefined };
  const server = createServer((client) => {
    const upstream = createConnection({ host: target.host, port: target.port });
    sockets.add(client).add(upstream);
    for (const socket of [client, upstream]) socket.on('error', () => client.destroy());
    upstream.pipe(client);
    const parser = new RespParser();
    const replies = new RespParser();
    let onReply = () => {};
    upstream.on('data', (chunk: Buffer) => {
      for (const _ of replies.push(chunk)) onReply();
    });
    const passOn = (args: string[]) =>
      new Promise<void>((resolve) => {
        onReply = resolve;
        upstream.write(encodeCommand(args));
      });
    const onCommand = async (command: unknown) => {
      const args = (command as unknown[]).map(String);
      const [name = '', argument = ''] = args;
      if (name === 'PING') client.write('+PONG\r\n');
      else if (name === 'ECHO') client.write(`$${argument.length}\r\n${argument}\r\n`);
      else if (state.refusal !== undefined) client.write(`-${state.refusal}\r\n`);
      else await passOn(args);
    };
    // One after the other: no reply of its own overtakes one of the server.
    let last = Promise.resolve();
    client.on('data', (chunk: Buffer) => {
      for (const command of parser.push(chunk)) last = last.then(() => onCommand(command));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return Object.assign(state, { port: (server.address() as AddressInfo).port });
}

async function behindProxy(options: object) {
  const [east, west] = await servers();
  const proxy = await startRedisProxy(east);
  const client = own(
    createMultiDbClient({
      ...QUICK,
      client: { RESP: 2, disableClientInfo: true },
      gracePeriodMs: 0,
      databases: [
        { id: 'east', weight: 2, client: { socket: { host: '127.0.0.1', port: proxy.port } } },
        { id: 'west', weight: 1, client: { url: `redis://${west.host}:${west.port}` } },
      ],
      ...options,
    } as never),
  );
  await client.connect();
  expect(client.activeDatabase).toBe('east');
  return { client, proxy };
}

describe.each([new PingStrategy(), new EchoStrategy()])('$name', (strategy) => {
  const healthCheck = { ...QUICK.healthCheck, strategy };

  it.each(['no upstream host', 'upstream failure', 'ERR no available server'])(
    'is left at a reply of %s, and returned to when commands pass',
    async (refusal) => {
      const { client, proxy } = await behindProxy({
        healthCheck,
        failbackCheckIntervalMs: 50,
      });
      await client.set('key', 'value');
      proxy.refusal = refusal;
      expect(await client.get('key')).toBeNull();
      expect(client.activeDatabase).toBe('west');
      expect(String(client.explain())).toContain(refusal);
      proxy.refusal = undefined;
      await active(client, 'east');
      expect(await client.get('key')).toBe('value');
    },
  );
});

it('takes the replies of other proxies from proxyErrors', async () => {
  const refusal = 'ERR backend 7 is away';
  const unknown = await behindProxy({});
  unknown.proxy.refusal = refusal;
  await expect(unknown.client.get('key')).rejects.toThrow(refusal);
  expect(unknown.client.activeDatabase).toBe('east');

  const { client, proxy } = await behindProxy({ proxyErrors: ['ERR backend'] });
  proxy.refusal = refusal;
  // The outcome of a write is not known.
  await expect(client.incr('count')).rejects.toThrow(refusal);
  await active(client, 'west');
});

it('is left without any command with a strategy that has to be passed on', async () => {
  const healthCheck = { ...QUICK.healthCheck, strategy: new WriteReadStrategy() };
  const { client, proxy } = await behindProxy({ healthCheck });
  proxy.refusal = 'no upstream host';
  await active(client, 'west');
});
