import { expect, it } from 'vitest';
import { allBut, startProxy, waitFor } from '../kit/index.js';
import { active, clientOf, connected, healthy, recordEvents, servers, Traffic } from './support.js';

const LOADING = '-LOADING Redis is loading the dataset in memory';
const SENSITIVE = { minNumOfFailures: 20, failureRateThreshold: 10 };

it('opens by commands that fail although every probe passes', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await connected([proxy, west], { failureDetector: SENSITIVE });
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.get('key'));
  await traffic.flows();
  proxy.answerWith(LOADING, allBut('PING', 'HELLO', 'CLIENT'));
  await active(client, 'west');
  await traffic.flows();
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.switches).toEqual(['east>west circuit-breaker']);
  const [opened] = events.of('breaker-open');
  expect(opened).toMatchObject({ id: 'east', at: expect.any(Date) });
  expect(opened?.failures).toBeGreaterThanOrEqual(20);
  expect(opened?.total).toBeGreaterThanOrEqual(opened?.failures ?? 0);
  expect(events.of('failover')).toEqual(events.of('switch'));
});

it('closes with an empty window when the grace period ends', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await connected([proxy, west], { failureDetector: SENSITIVE });
  const events = recordEvents(client);
  proxy.answerWith(LOADING, allBut('PING', 'HELLO', 'CLIENT'));
  const traffic = new Traffic(() => client.get('key'));
  await active(client, 'west');
  expect(client.databases[0]).toMatchObject({ breaker: 'open', health: 'healthy' });
  expect(client.explain().others[0]?.lacks).toContain('breaker open');
  await proxy.restore();
  await active(client, 'east');
  await traffic.flows();
  await traffic.stop();
  expect(events.of('breaker-closed')).toEqual([
    { id: 'east', at: expect.any(Date), failures: 0, total: 0 },
  ]);
  expect(client.databases[0]).toMatchObject({ breaker: 'closed', failures: 0 });
});

it('needs both thresholds', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await connected([proxy, west], {
    // All of them are within the window, however long they take.
    failureDetector: {
      minNumOfFailures: 5,
      failureRateThreshold: 90,
      slidingWindowSizeMs: 600_000,
    },
    commandRetry: { maxAttempts: 1 },
  });
  proxy.answerWith((command) => (command[1] === 'bad' ? LOADING : undefined));
  for (let round = 0; round < 20; round += 1) {
    await client.get('bad').catch(() => {});
    await client.get('good');
  }
  expect(client.databases[0]).toMatchObject({ breaker: 'closed', failures: 20, total: 40 });
  expect(client.activeDatabase).toBe('east');
});

it('counts what includedErrors says', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    failureDetector: {
      minNumOfFailures: 3,
      slidingWindowSizeMs: 600_000,
      includedErrors: (error) => error.message.startsWith('WRONGTYPE'),
    },
  });
  await client.set('text', 'value');
  await west.command('SET', 'text', 'value');
  const events = recordEvents(client);
  for (let round = 0; round < 3; round += 1) await client.lPush('text', 'x').catch(() => {});
  await active(client, 'west');
  expect(events.switches).toEqual(['east>west circuit-breaker']);
});

it('closes again when what opened it is over within unhealthyAfterMs', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await connected([proxy, west], {
    failureDetector: { ...SENSITIVE, slidingWindowSizeMs: 300 },
    unhealthyAfterMs: 60_000,
  });
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.get('key'));
  await traffic.flows();
  proxy.answerWith(LOADING, allBut('PING', 'HELLO', 'CLIENT'));
  await waitFor(() => events.of('breaker-open').length === 1, { what: 'the breaker to open' });
  await proxy.restore();
  await waitFor(() => events.of('breaker-closed').length === 1, { what: 'the breaker to close' });
  await traffic.flows();
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.of('switch')).toEqual([]);
});

it('is left when what opened it is not over within unhealthyAfterMs', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await connected([proxy, west], {
    // Refused commands wait: with a short window too few of them might fail in it.
    failureDetector: { ...SENSITIVE, slidingWindowSizeMs: 60_000 },
    unhealthyAfterMs: 500,
    gracePeriodMs: 3_600_000,
  });
  const events = recordEvents(client);
  proxy.answerWith(LOADING, allBut('PING', 'HELLO', 'CLIENT'));
  const traffic = new Traffic(() => client.get('key'));
  await waitFor(() => events.of('breaker-open').length === 1, { what: 'the breaker to open' });
  await active(client, 'west');
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.switches).toEqual(['east>west circuit-breaker']);
});

it('only reports while its database is the last resort', async () => {
  const [east] = await servers(1);
  const proxy = await startProxy(east);
  const client = await connected([proxy], {
    failureDetector: SENSITIVE,
    commandRetry: { maxAttempts: 1 },
    gracePeriodMs: 3_600_000,
  });
  const events = recordEvents(client);
  proxy.answerWith(LOADING, allBut('PING', 'HELLO', 'CLIENT'));
  await Promise.allSettled(Array.from({ length: 50 }, () => client.get('key')));
  await waitFor(() => events.of('breaker-open').length === 1, { what: 'the breaker to open' });
  expect(client.activeDatabase).toBe('east');
  await proxy.restore();
  await waitFor(() => client.isHealthy('east'), { what: 'east to be connected' });
  expect(await client.set('key', 'value')).toBe('OK');
  expect(events.of('switch')).toEqual([]);
});

/** The outcomes of a custom detector of east, and a client whose east refuses all but probes. */
async function withDetector(create: (record: unknown[]) => object, options: object = {}) {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const seen: unknown[] = [];
  const client = clientOf([proxy, west], {
    failureDetector: { ...options, detector: (() => create(seen)) as never },
    commandRetry: { maxAttempts: 1 },
    keepConnectingMs: 10_000,
  });
  // A detector that can't be created is reported before the client is connected.
  const errors: string[] = [];
  client.on('error', (error) => errors.push(String(error)));
  await client.connect();
  await healthy(client);
  await active(client, 'east');
  const events = recordEvents(client);
  await client.get('key');
  proxy.answerWith(LOADING, allBut('PING', 'HELLO', 'CLIENT'));
  return { client, events, errors, seen };
}

it('a custom detector opens it, at its own time', async () => {
  let failed = 0;
  const { client, events, seen } = await withDetector((record) => ({
    record: (error: Error | undefined) => {
      record.push(error);
      if (error !== undefined) failed += 1;
    },
    hasFailed: () => failed >= 3,
    reset: () => {},
  }));
  const traffic = new Traffic(() => client.get('key').catch(() => {}));
  await active(client, 'west');
  await traffic.stop();
  expect(events.switches).toEqual(['east>west circuit-breaker']);
  expect(seen).toContain(undefined);
  expect(seen.some((each) => each instanceof Error && each.message.startsWith('LOADING'))).toBe(
    true,
  );
});

it('a custom detector that never fires leaves the database to the health checks', async () => {
  const { client, events } = await withDetector(
    () => ({ record: () => {}, hasFailed: () => false, reset: () => {} }),
    // The thresholds do not count beside a detector.
    { minNumOfFailures: 3 },
  );
  for (let round = 0; round < 30; round += 1) await client.get('key').catch(() => {});
  expect(client.databases[0]).toMatchObject({ active: true, breaker: 'closed' });
  expect(events.switches).toEqual([]);
});

it.each<[string, () => object, string]>([
  [
    'throws',
    () => ({
      record: () => {
        throw new Error('not today');
      },
      hasFailed: () => false,
      reset: () => {},
    }),
    'not today',
  ],
  [
    'returns nonsense',
    () => ({ record: async () => Promise.reject('no'), hasFailed: () => 'yes', reset: () => {} }),
    'must return true or false',
  ],
  ['is none', () => ({}), 'must return { record, hasFailed, reset }'],
])('a custom detector that %s is reported, and the thresholds decide', async (_, create, text) => {
  const { client, events, errors } = await withDetector(create, { minNumOfFailures: 3 });
  const traffic = new Traffic(() => client.get('key').catch(() => {}));
  await active(client, 'west');
  await traffic.stop();
  const isReported = () => errors.some((error) => error.includes(text));
  await waitFor(isReported, { what: 'the mistake to be reported' });
  expect(events.switches).toEqual(['east>west circuit-breaker']);
});
