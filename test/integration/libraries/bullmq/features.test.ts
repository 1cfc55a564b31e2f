/** The published BullMQ gives the same results over this client as over node-redis. */
import { createClient } from '@redis/client';
import * as bullmq from 'bullmq';
import { expect, it } from 'vitest';
import { startRedis } from '../../../kit/index.js';
import { connected, own, servers } from '../../support.js';
import '../support.js';
import { walk } from './walk.js';

it('a walk through its features', async () => {
  const [server] = await servers(1);
  const plain = await walk(bullmq, async () => {
    const client = createClient({ url: server.url });
    client.on('error', () => {});
    own({ destroy: () => void (client.isOpen && client.destroy()) });
    await client.connect();
    return client as unknown as bullmq.ConnectionOptions;
  });
  const other = await startRedis();
  const client = await connected([other]);
  const mine = await walk(bullmq, async () => {
    const duplicate = own(client.duplicate());
    await duplicate.connect();
    return duplicate as unknown as bullmq.ConnectionOptions;
  });
  expect(mine).toEqual(plain);
  expect(mine).toMatchObject({ order: ['first', 'b1', 'b2', 'high', 'low'], errors: [] });
});
