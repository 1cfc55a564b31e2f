/** Validation of `POST` bodies, so that nothing unexpected gets through. */
import { isMultiDbError } from '../errors.js';
import { MAX_TIMER_MS } from '../validation/rules.js';
import { failure, json } from './answers.js';
import type { OperatedClient } from './client.js';
import { redact } from './redact.js';
import type { Answer } from './request.js';
import type { Route } from './routes.js';

export type Change =
  | {
      readonly action: 'switch';
      readonly databaseId: string;
      /** Undefined: a failback can leave the database again. Infinity: no limit. */
      readonly durationMs: number | undefined;
    }
  | { readonly action: 'drain'; readonly databaseId: string; readonly durationMs: number }
  | {
      readonly action: 'switch-unchecked';
      readonly databaseId: string;
      readonly durationMs: number;
    }
  | { readonly action: 'resume' | 'release'; readonly databaseId: string };

/** The change that a request asks for, or why the request is invalid. */
export function readChange(route: Route, body: unknown): Change | string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return 'the body must be a JSON object';
  }
  const known = {
    active: ['database', 'durationMs', 'unchecked'],
    drain: ['durationMs'],
    resume: [] as string[],
    release: [] as string[],
  }[route.name as 'active' | 'drain' | 'resume' | 'release'];
  const names = Object.keys(body);
  if (names.some((name) => !known.includes(name))) {
    return `the body may have ${known.join(', ') || 'no fields'} alone`;
  }
  const values = new Map<string, unknown>(Object.entries(body));
  const durationMs = values.get('durationMs');
  if (durationMs !== undefined && durationMs !== null && !isDuration(durationMs)) {
    return `durationMs must be a number from 1 to ${MAX_TIMER_MS}, or null for no limit`;
  }
  const endless = Number.POSITIVE_INFINITY;
  const { databaseId = values.get('database') } = route;
  if (typeof databaseId !== 'string' || databaseId === '')
    return 'database must be the id of a database';
  switch (route.name) {
    case 'active': {
      const unchecked = values.get('unchecked') ?? false;
      if (typeof unchecked !== 'boolean') return 'unchecked must be true or false';
      if (unchecked) {
        if (durationMs === undefined) return 'unchecked needs durationMs: a number, or null';
        const time = (durationMs ?? endless) as number;
        return { action: 'switch-unchecked', databaseId, durationMs: time };
      }
      return {
        action: 'switch',
        databaseId,
        durationMs: durationMs === null ? endless : (durationMs as number | undefined),
      };
    }
    case 'drain':
      return { action: 'drain', databaseId, durationMs: (durationMs ?? endless) as number };
    default:
      return { action: route.name as 'resume' | 'release', databaseId };
  }
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 1 && value <= MAX_TIMER_MS;
}

/**
 * Ids of the databases that a request refers to. Ids are shown redacted, so a request can contain
 * the redacted form. None: no database matches; several: the redacted form is ambiguous.
 */
export function databasesMeant(client: OperatedClient, databaseId: string): readonly string[] {
  const ids = client.databases.map(({ id }) => id);
  return ids.filter((id) => id === databaseId || redact(id) === databaseId);
}

/** Makes the change on the database with the exact id of `change`. Never rejects. */
export async function perform(client: OperatedClient, change: Change): Promise<Answer> {
  try {
    const changed = await act(client, change, change.databaseId);
    const { activeDatabase } = client;
    return json(200, {
      changed,
      activeDatabase: activeDatabase === undefined ? null : redact(activeDatabase),
    });
  } catch (error) {
    if (!isMultiDbError(error)) return failure(500, 'it failed');
    return failure(error.code === 'UNKNOWN_DATABASE' ? 404 : 409, redact(error.message));
  }
}

/** Resolves to whether anything changed. */
async function act(client: OperatedClient, change: Change, id: string): Promise<boolean> {
  switch (change.action) {
    case 'switch': {
      const before = client.activeDatabase;
      const { durationMs } = change;
      if (durationMs === undefined) await client.setActiveDatabase(id);
      else await client.forceActiveDatabase(id, { durationMs });
      return durationMs !== undefined || before !== id;
    }
    case 'switch-unchecked':
      await client.forceActiveDatabase(id, { durationMs: change.durationMs, unchecked: true });
      return true;
    case 'release':
      return client.activeDatabase === id && client.releaseActiveDatabase();
    case 'drain':
      await client.drainDatabase(id, { durationMs: change.durationMs });
      return true;
    default:
      return client.resumeDatabase(id);
  }
}
