import { expect, it } from 'vitest';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../../testing/index.js';

it('a client that is destroyed between two attempts of a transaction ends it at once', async () => {
  const clock = new VirtualClock();
  const east = new FakeDatabase({ id: 'east', clock });
  // Pauses are as long as they can be.
  const random = () => 0.99;
  const client = new SimulatedClient({ clock, databases: [{ database: east }], random });
  const connecting = client.connect();
  await clock.advance(100);
  await connecting;

  let attempts = 0;
  let outcome: unknown;
  const transaction = client.transaction(['k'], async () => {
    attempts += 1;
    await client.send(['SET', 'k', 'theirs']);
    return [['SET', 'k', 'ours']];
  });
  transaction.catch((error) => {
    outcome = error;
  });
  while (attempts < 8) await clock.advance(1);
  // Its EXEC has been refused by now, and it pauses for 127 ms.
  await clock.advance(20);
  expect([attempts, outcome]).toEqual([8, undefined]);
  client.destroy();
  await clock.advance(0);
  expect(outcome).toMatchObject({ code: 'CLIENT_CLOSED', maybeExecuted: false });
  await clock.advance(10);
  expect([attempts, clock.pendingTimers, east.openConnections]).toEqual([8, 0, 0]);
});
