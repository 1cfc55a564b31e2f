/** `with...` views: they follow the active database and leave the client as it was. */
import { AbortError, RESP_TYPES } from '@redis/client';
import { beforeEach, expect, it } from 'vitest';
import { type RedisServer, startProxy, waitFor } from '../kit/index.js';
import { clientOf, connected, errorOf, servers } from './support.js';

let east: RedisServer;
let west: RedisServer;

beforeEach(async () => {
  [east, west] = await servers();
});

it('withTypeMapping decodes as asked, on whichever database is active', async () => {
  const client = await connected([east, west]);
  const buffers = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  for (const id of ['east', 'west']) {
    await client.forceActiveDatabase(id);
    await client.set('key', id);
    expect(await buffers.get('key')).toEqual(Buffer.from(id));
    expect(await client.get('key')).toBe(id);
  }
  expect(await buffers.multi().get('key').execAsPipeline()).toEqual([Buffer.from('west')]);
});

it('withCommandOptions takes several at once, and views of views keep them', async () => {
  const client = await connected([east, west]);
  await client.set('key', 'value');
  const view = client
    .withCommandOptions({ timeout: 1000, asap: true })
    .withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    .withRetrySafety('accumulating');
  expect(await view.get('key')).toEqual(Buffer.from('value'));
  expect(await client.asap().get('key')).toBe('value');
});

const SAFETIES =
  "'connection', 'read', 'checked-write', 'last-write-wins', 'accumulating', 'admin'";

it.each(['acumulating', 'all', 5, undefined])('withRetrySafety throws for %o', async (safety) => {
  const client = clientOf([east, west]);
  for (const of of [client, client.withOutage('wait')]) {
    const error = await errorOf((async () => of.withRetrySafety(safety as never))());
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option: 'withRetrySafety' });
    expect(error.message).toContain(`expected ${SAFETIES}, received`);
  }
});

it('withOutage throws for what is no policy', async () => {
  const client = clientOf([east, west]);
  const error = await errorOf((async () => client.withOutage('waiting' as never))());
  expect(error).toMatchObject({ code: 'INVALID_OPTION', option: 'withOutage' });
  expect(error.message).toContain("expected 'reject' or 'wait', received \"waiting\"");
});

it('bad options of commands are refused with each command', async () => {
  const client = await connected([east, west]);
  for (const [option, value] of [
    ['retrySafety', 'acumulating'],
    ['outage', 'waiting'],
    ['iterators', 'restrat'],
  ] as const) {
    const given = { [option]: value } as object;
    const view = client.withCommandOptions(given);
    for (const call of [
      () => view.get('key'),
      () => view.multi().get('key').exec(),
      () => view.scanIterator().next(),
      () => client.sendCommand(['GET', 'key'], given),
      () => client.transaction('key', (tx) => tx.withCommandOptions(given).get('key')),
    ]) {
      const error = await errorOf(Promise.resolve(call()));
      expect(error).toMatchObject({ code: 'INVALID_OPTION', option, received: value });
    }
    const create = async () => clientOf([east], { client: { commandOptions: given } as object });
    expect(await errorOf(create())).toMatchObject({ option: `client.commandOptions.${option}` });
    const duplicate = async () => client.duplicate({ commandOptions: given });
    const error = await errorOf(duplicate());
    expect(error).toMatchObject({ option: `duplicate.commandOptions.${option}` });
  }
  expect(await client.get('key')).toBeNull();
});

it('withCommandOptions.timeout is the deadline of an attempt', async () => {
  const client = await connected([east, west], {
    healthCheck: false,
    suspectAfterMs: 60_000,
    commandRetry: { maxAttempts: 1 },
  });
  await east.freeze();
  const view = client.withCommandOptions({ timeout: 100 });
  const error = await errorOf(view.incr('counter'));
  expect(error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: true, databaseId: 'east' });
  expect(error.message).toContain('100 ms');
});

it('withAbortSignal rejects at once when it is aborted already', async () => {
  const client = await connected([east, west]);
  const error = await errorOf(client.withAbortSignal(AbortSignal.abort()).incr('counter'));
  expect(error).toBeInstanceOf(AbortError);
  expect(await client.get('counter')).toBeNull();
});

it('withAbortSignal takes back what has not been written', async () => {
  const client = await connected([east, west]);
  const controller = new AbortController();
  const aborted = errorOf(client.withAbortSignal(controller.signal).incr('counter'));
  const other = client.incr('other');
  controller.abort();
  expect(await aborted).toBeInstanceOf(AbortError);
  expect(await other).toBe(1);
  expect(await client.get('counter')).toBeNull();
});

it('withAbortSignal ends the wait for a connection and for a retry', async () => {
  const proxy = await startProxy(east);
  const client = await connected([proxy, west], {
    healthCheck: false,
    commandRetry: { waitDurationMs: 60_000 },
    suspectAfterMs: 60_000,
  });
  proxy.answerWith('-LOADING Redis is loading the dataset in memory');
  const controller = new AbortController();
  const waiting = errorOf(client.withAbortSignal(controller.signal).get('key'));
  await waitFor(() => client.databases[0]?.failures === 1, { what: 'the first attempt to fail' });
  controller.abort();
  expect(await waiting).toBeInstanceOf(AbortError);
});

it('a command that is on its way is not aborted, as in node-redis', async () => {
  const client = await connected([east, west]);
  const controller = new AbortController();
  const popped = client.withAbortSignal(controller.signal).blPop('queue', 0);
  await waitFor(async () => (await east.info('blocked_clients')) === '1', { what: 'BLPOP' });
  controller.abort();
  await east.command('LPUSH', 'queue', 'element');
  expect(await popped).toEqual({ key: 'queue', element: 'element' });
});
