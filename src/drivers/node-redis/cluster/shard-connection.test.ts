import { expect, it } from 'vitest';
import { VirtualClock } from '../../../testing/virtual-clock.js';
import type { ConnectionListener, DriverTime } from '../../driver.js';
import { ShardConnection } from './shard-connection.js';
import type { ClusterSlots } from './slots.js';

it('is lost when there are no options for its node, such as from a nodeAddressMap that throws', async () => {
  const slots = {
    ownerOf: () => ({ address: 'a:1', failing: false }),
    optionsOf: () => {
      throw new Error('no such address');
    },
  } as unknown as ClusterSlots;
  const time = { clock: new VirtualClock() } as unknown as DriverTime;
  const lost = new Promise((resolve) => {
    new ShardConnection(slots, 1, time, { onLost: resolve } as unknown as ConnectionListener);
  });
  expect(await lost).toMatchObject({ message: 'no such address' });
});
