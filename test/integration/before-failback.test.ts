import { expect, it } from 'vitest';
import { waitFor } from '../kit/index.js';
import { active, connected, servers, Traffic } from './support.js';

it('a stale cache is flushed before its database serves again', async () => {
  const [east, west] = await servers();
  const awayMs: number[] = [];
  const client = await connected([east, west], {
    beforeFailback: async (context) => {
      awayMs.push(context.awayMs);
      await context.sendCommand(['FLUSHALL', 'ASYNC']);
    },
  });
  await client.set('page', 'old');
  await east.command('SAVE');
  await east.kill();
  await active(client, 'west');
  await client.set('page', 'new');
  await east.restart();
  expect(await east.command('GET', 'page')).toBe('old');
  await active(client, 'east');
  expect(await client.get('page')).toBeNull();
  expect(awayMs).toHaveLength(1);
  expect(awayMs[0]).toBeGreaterThan(0);
});

it('the other database serves while beforeFailback waits, and after it has failed', async () => {
  const [east, west] = await servers();
  let isWell = false;
  let calls = 0;
  const client = await connected([east, west], {
    beforeFailback: async ({ sendCommand }) => {
      calls += 1;
      await sendCommand(['PING']);
      if (!isWell) throw new Error('the operator has not agreed');
    },
  });
  await east.kill();
  await active(client, 'west');
  await east.restart();
  const traffic = new Traffic(() => client.get('key'));
  await waitFor(() => calls >= 2, { what: 'a second call' });
  expect(client.activeDatabase).toBe('west');
  // Not while the next call is running.
  const refused = () => client.explain().others[0]?.details.join();
  await waitFor(() => refused()?.includes('the operator has not agreed'), { what: 'the reason' });
  isWell = true;
  await active(client, 'east');
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
});
