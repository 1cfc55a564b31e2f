/** An error never carries all those before it. */
import { expect, it } from 'vitest';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../../src/testing/index.js';

function depthOf(error: unknown): number {
  let depth = 0;
  for (let at = error; at instanceof Error && at.cause !== undefined; at = at.cause) depth += 1;
  return depth;
}

async function connected(options: object) {
  const clock = new VirtualClock();
  const east = new FakeDatabase({ id: 'east', clock });
  const client = new SimulatedClient({ clock, databases: [{ database: east }], options });
  const connecting = client.connect();
  await clock.advance(100);
  await connecting;
  return { clock, east, client };
}

it('of a breaker that opens again and again', async () => {
  const { clock, client } = await connected({
    failureDetector: {
      ...{ minNumOfFailures: 1, failureRateThreshold: 1, slidingWindowSizeMs: 10 },
      includedErrors: [Error],
    },
    gracePeriodMs: 5,
    commandRetry: { maxAttempts: 1 },
  });
  let opened = 0;
  client.on('breaker-open', () => {
    opened += 1;
  });
  for (let count = 0; count < 200; count += 1) {
    client.send(['NOSUCHCOMMAND']).catch(() => {});
    await clock.advance(20);
  }
  expect(opened).toBeGreaterThan(100);
  expect(depthOf(client.databases[0]?.lastError)).toBeLessThanOrEqual(1);
  client.destroy();
});

it('of a command that times out again and again', async () => {
  const { clock, east, client } = await connected({
    commandTimeoutMs: 10,
    commandRetry: { maxAttempts: 1000, waitDurationMs: 0 },
    healthCheck: false,
    unhealthyAfterMs: 600_000,
    suspectAfterMs: 60_000,
  });
  east.freeze();
  let failed: unknown;
  client.send(['GET', 'k']).catch((error) => {
    failed = error;
  });
  await clock.advance(11_000);
  expect(failed).toMatchObject({ code: 'COMMAND_TIMEOUT' });
  expect(depthOf(failed)).toBeLessThanOrEqual(2);
  client.destroy();
});
