import { expect, it, vi } from 'vitest';
import type { SteeringDocument } from '../core/steering/document.js';
import type { SteeringSource } from '../options/steering.js';
import type { OperatedClient } from './client.js';
import { createHttpHandler } from './handler.js';
import type { AuthorizeRequest, HttpHandlerOptions } from './options.js';
import { readSteering } from './steering-change.js';

const drain = { action: 'drain', database: 'east', reason: 'upgrade', by: 'ada' };

it.each([
  [
    { ...drain, durationMs: 5, spreadMs: 7, canaryPercent: 1 },
    { action: 'drain', databaseId: 'east', durationMs: 5, spreadMs: 7, canaryPercent: 1 },
  ],
  [
    { ...drain, durationMs: null, spreadMs: 0 },
    { action: 'drain', databaseId: 'east' },
  ],
  [
    { ...drain, action: 'hold' },
    { action: 'hold', databaseId: 'east' },
  ],
  [{ action: 'stay', reason: 'split', by: 'ada' }, { action: 'stay' }],
])('reads %j', (body, order) => {
  expect(readSteering(body)).toEqual({ order, by: 'ada', reason: body.reason });
});

it('a release needs no reason', () => {
  expect(readSteering({ action: 'release', by: 'ada' })).toEqual({
    order: { action: 'release' },
    by: 'ada',
    reason: 'released',
  });
});

it.each([
  [[], 'the body must be a JSON object'],
  [{}, 'action must be one of drain, hold, stay, release; received nothing'],
  [{ ...drain, action: 'toString' }, 'received a text of 8 characters'],
  [{ ...drain, database: '' }, 'database must be the id of a database; received a text of 0'],
  [{ ...drain, database: ['east'] }, 'received an array'],
  [{ ...drain, action: 'stay' }, 'database must be absent with the action stay'],
  [{ ...drain, durationMs: 0 }, 'durationMs must be a number from 1 to 2147483647'],
  [{ ...drain, durationMs: '1h' }, 'received a text of 2 characters'],
  [{ action: 'release', by: 'ada', durationMs: 5 }, 'durationMs must be absent with release'],
  [{ ...drain, spreadMs: -1 }, 'spreadMs must be a number from 0 to 86400000; received -1'],
  [{ ...drain, spreadMs: null }, 'received null'],
  [
    { ...drain, canaryPercent: 100 },
    'canaryPercent must be a number above 0, at most 99; received',
  ],
  [{ ...drain, canaryPercent: 0 }, 'received 0'],
  [
    { ...drain, reason: undefined },
    'reason must be a text of 1 to 500 characters; received nothing',
  ],
  [{ ...drain, reason: ' ' }, 'received a text of 1 characters'],
  [{ ...drain, reason: '\u001b \u202e' }, 'received a text of 3 characters'],
  [{ ...drain, by: 'x'.repeat(201) }, 'by must be a text of 1 to 200 characters; received a text'],
  [{ ...drain, by: {} }, 'received an object'],
  [{ ...drain, force: true }, 'the body may have action, database'],
  [JSON.parse('{"__proto__":{"action":"release"},"by":"ada"}'), 'the body may have'],
])('refuses %j', (body, flaw) => {
  expect(readSteering(body)).toContain(flaw);
});

/** The handler of a client that reads `source`, whose databases are `ids`. */
function application(
  options: HttpHandlerOptions = {},
  { ids = ['east', 'west'], source = 'redis: east' } = {},
) {
  const client = {
    databases: ids.map((id) => ({ id })),
    activeDatabase: 'east',
    explain: () => ({
      steering: { sources: [{ source }], obeyed: { version: 9_999_999_999 }, next: undefined },
    }),
    on: () => {},
    off: () => {},
  };
  const handler = createHttpHandler(client as unknown as OperatedClient, {
    authorize: () => true,
    ...options,
  });
  return async (body: unknown, headers: Record<string, string> = {}) => {
    const request = new Request('http://127.0.0.1/steering', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const response = await handler.fetch(request);
    // biome-ignore lint/suspicious/noExplicitAny: whatever the answer holds
    return { status: response.status, body: (await response.json()) as any };
  };
}

/** A source that keeps what is published. */
function sourceWith(publish = vi.fn<NonNullable<SteeringSource['publish']>>()) {
  publish.mockImplementation(async (document: SteeringDocument) => {
    return { document, written: ['east', 'west'], failed: [] };
  });
  return { name: 'redis', watch: () => () => {}, publish };
}

it('publishes above the version that is obeyed, and says until when it holds', async () => {
  const steering = sourceWith();
  const answer = await application({ steering })({ ...drain, durationMs: 60_000 });
  const published = steering.publish.mock.calls[0]?.[0];
  expect(published).toMatchObject({
    schemaVersion: 1,
    version: 10_000_000_000,
    drain: ['east'],
    by: 'ada',
    reason: 'upgrade',
  });
  expect(Date.parse(published?.until ?? '') - Date.parse(published?.issuedAt ?? '')).toBe(60_000);
  expect(answer).toEqual({
    status: 200,
    body: {
      changed: true,
      activeDatabase: 'east',
      version: 10_000_000_000,
      until: published?.until,
      written: ['east', 'west'],
      failed: [],
    },
  });
});

it('asks authorize about the document and the exact id, and publishes nothing if it refuses', async () => {
  const steering = sourceWith();
  const asked: AuthorizeRequest[] = [];
  const post = application(
    {
      steering,
      authorize: (request) => {
        asked.push(request);
        return request.action === 'steer-release';
      },
    },
    { ids: ['prod@east', 'west'] },
  );
  expect(await post(drain)).toMatchObject({ status: 403, body: { error: 'not allowed' } });
  expect(await post({ ...drain, database: 'north' })).toMatchObject({ status: 403 });
  expect(steering.publish).not.toHaveBeenCalled();
  expect(await post({ action: 'release', by: 'ada' })).toMatchObject({ status: 200 });
  expect(asked).toMatchObject([
    { action: 'steer', databaseId: 'prod@east', steering: { drain: ['prod@east'], by: 'ada' } },
    { action: 'steer', databaseId: 'north', preview: false },
    { action: 'steer-release', databaseId: undefined, steering: { reason: 'released' } },
  ]);
});

it.each<[string, number, string, () => Promise<unknown>]>([
  [
    'without authorize',
    403,
    "the option 'authorize'",
    () => application({ authorize: undefined, steering: sourceWith() } as never)(drain),
  ],
  [
    'from another site',
    403,
    'other sites',
    () => application({ steering: sourceWith() })(drain, { origin: 'https://evil.example' }),
  ],
  [
    'as a form',
    415,
    'application/json',
    () => application({ steering: sourceWith() })(drain, { 'content-type': 'text/plain' }),
  ],
  ['without a source', 409, "the option 'steering' of the handler", () => application()(drain)],
  [
    'with a source that the client does not read',
    409,
    'does not read the source',
    () => application({ steering: sourceWith() }, { source: 'file' })(drain),
  ],
  [
    'of an unknown database',
    404,
    'no database has this id',
    () => application({ steering: sourceWith() })({ ...drain, database: 'north' }),
  ],
  [
    'of the only database',
    409,
    'nowhere to go',
    () => application({ steering: sourceWith() }, { ids: ['east'] })(drain),
  ],
  [
    'of a database whose id no document may name',
    400,
    'drain[0]: expected a text of 1 to 200 characters',
    () => {
      const database = 'x'.repeat(201);
      const post = application({ steering: sourceWith() }, { ids: [database, 'west'] });
      return post({ ...drain, database });
    },
  ],
])('refuses a publication %s', async (_, status, error, answered) => {
  expect(await answered()).toMatchObject({
    status,
    body: { error: expect.stringContaining(error) },
  });
});

it('reports the databases that were not written to, without secrets', async () => {
  const steering = sourceWith();
  const failed = [{ place: 'ops:secret@west', cause: 'redis://ops:secret@west/0 is down' }];
  steering.publish.mockImplementationOnce(async (document) => {
    return { document, written: ['east'], failed };
  });
  const post = application({ steering });
  const some = await post(drain);
  expect(some).toMatchObject({ status: 200, body: { written: ['east'], until: null } });
  expect(some.body.failed).toEqual([
    { database: 'west', error: expect.stringContaining('is down') },
  ]);
  steering.publish.mockImplementationOnce(async (document) => ({ document, written: [], failed }));
  const none = await post(drain);
  expect(none).toMatchObject({ status: 503, body: { error: expect.stringContaining('west: ') } });
  steering.publish.mockRejectedValueOnce(new Error('secret'));
  expect(await post(drain)).toEqual({ status: 500, body: { error: 'it failed' } });
  expect(JSON.stringify([some, none])).not.toContain('secret');
});
