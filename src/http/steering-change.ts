/** `POST /steering`: what is asked of all processes, and its publication. */
import { cleanText } from '../clean-text.js';
import {
  MAX_SPREAD_MS,
  MAX_TEXT,
  parseSteering,
  type SteeringDocument,
} from '../core/steering/document.js';
import {
  documentOf,
  namesDatabase,
  nextVersion,
  STEERING_ACTIONS,
  type SteeringAction,
  type SteeringOrder,
} from '../core/steering/order.js';
import { isMultiDbError } from '../errors.js';
import type { SteeringSource } from '../options/steering.js';
import { MAX_TIMER_MS } from '../validation/rules.js';
import { failure, json } from './answers.js';
import type { OperatedClient } from './client.js';
import { redact } from './redact.js';
import type { Answer } from './request.js';

/** What a request asks for. */
export interface SteeringRequest {
  readonly order: SteeringOrder;
  readonly by: string;
  readonly reason: string;
}

/** The answer of `POST /steering`. */
export interface SteeringAnswer {
  readonly version: number;
  /** ISO 8601; null: until the next document. */
  readonly until: string | null;
  readonly written: readonly string[];
  readonly failed: readonly { readonly database: string; readonly error: string }[];
}

type Fields = Readonly<Record<string, unknown>>;

const NAMES = ['action', 'database', 'durationMs', 'spreadMs', 'canaryPercent', 'reason', 'by'];

/** Returns the request, or why it is invalid: the field, what is expected, and what was received. */
export function readSteering(body: unknown): SteeringRequest | string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return 'the body must be a JSON object';
  }
  if (Object.keys(body).some((name) => !NAMES.includes(name))) {
    return `the body may have ${NAMES.join(', ')} alone`;
  }
  const fields = body as Fields;
  const action = STEERING_ACTIONS.find((each) => each === fields.action);
  if (action === undefined) {
    return wrong('action', `one of ${STEERING_ACTIONS.join(', ')}`, fields.action);
  }
  return orderFlaw(action, fields) ?? requestOf(action, fields);
}

function requestOf(action: SteeringAction, fields: Fields): SteeringRequest {
  const number = (name: string) => (fields[name] ?? undefined) as number | undefined;
  return {
    order: {
      action,
      databaseId: fields.database as string | undefined,
      durationMs: number('durationMs'),
      spreadMs: number('spreadMs') || undefined,
      canaryPercent: number('canaryPercent'),
    },
    by: fields.by as string,
    reason: (fields.reason ?? 'released') as string,
  };
}

/** What is wrong with the fields; undefined if nothing is. */
function orderFlaw(action: SteeringAction, fields: Fields): string | undefined {
  const { database, durationMs, spreadMs, canaryPercent, reason, by } = fields;
  if (namesDatabase(action)) {
    if (typeof database !== 'string' || database === '') {
      return wrong('database', 'the id of a database', database);
    }
  } else if (database !== undefined) {
    return wrong('database', `absent with the action ${action}`, database);
  }
  if (durationMs !== undefined && durationMs !== null) {
    if (action === 'release') return wrong('durationMs', 'absent with release', durationMs);
    if (!isWithin(durationMs, 1, MAX_TIMER_MS)) {
      const range = `a number from 1 to ${MAX_TIMER_MS}, or null for no limit`;
      return wrong('durationMs', range, durationMs);
    }
  }
  if (spreadMs !== undefined && !isWithin(spreadMs, 0, MAX_SPREAD_MS)) {
    return wrong('spreadMs', `a number from 0 to ${MAX_SPREAD_MS}`, spreadMs);
  }
  if (canaryPercent !== undefined && !(isWithin(canaryPercent, 0, 99) && canaryPercent !== 0)) {
    return wrong('canaryPercent', 'a number above 0, at most 99', canaryPercent);
  }
  const mayBeSilent = action === 'release' && reason === undefined;
  if (!mayBeSilent && !isText(reason, MAX_TEXT.reason)) {
    return wrong('reason', `a text of 1 to ${MAX_TEXT.reason} characters`, reason);
  }
  if (!isText(by, MAX_TEXT.by)) {
    return wrong('by', `a text of 1 to ${MAX_TEXT.by} characters`, by);
  }
  return undefined;
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}

function isText(value: unknown, longest: number): boolean {
  if (typeof value !== 'string' || [...value].length > longest) return false;
  return cleanText(value).trim() !== '';
}

function wrong(field: string, expected: string, received: unknown): string {
  return `${field} must be ${expected}; received ${inWords(received)}`;
}

/** Texts of a request are not repeated. */
function inWords(received: unknown): string {
  if (received === undefined) return 'nothing';
  if (typeof received === 'string') return `a text of ${received.length} characters`;
  if (Array.isArray(received)) return 'an array';
  if (typeof received === 'object' && received !== null) return 'an object';
  return String(received);
}

/** The document of a request; its version is above that of what the client obeys. */
export function steeringDocument(
  client: OperatedClient,
  { order, by, reason }: SteeringRequest,
  wallTime: number,
): SteeringDocument {
  const { obeyed, next } = client.explain().steering ?? {};
  const seen = [obeyed, next].flatMap((each) => (each === undefined ? [] : [each.version]));
  return documentOf(order, { version: nextVersion(wallTime, seen), by, reason }, wallTime);
}

/** Why the order can't be published here; undefined if it can. */
export function steeringObstacle(
  client: OperatedClient,
  source: SteeringSource | undefined,
  { action }: SteeringOrder,
): string | undefined {
  if (source === undefined) {
    return "nothing can be published here; the option 'steering' of the handler names the source";
  }
  const sources = client.explain().steering?.sources ?? [];
  const isRead = sources.some(
    (each) => each.source === source.name || each.source.startsWith(`${source.name}: `),
  );
  if (!isRead) return "the client does not read the source of the handler; see its 'steering'";
  if (action === 'drain' && client.databases.length === 1) {
    return 'it is the only database; there is nowhere to go';
  }
  return undefined;
}

/** Publishes a document. Never rejects. */
export async function publishSteering(
  client: OperatedClient,
  source: SteeringSource,
  document: SteeringDocument,
): Promise<Answer> {
  try {
    const { written, failed, document: published } = await publish(source, document);
    const failures = failed.map(({ place, cause }) => {
      return { database: redact(place), error: redact(cause) };
    });
    if (written.length === 0) {
      const why = failures.map(({ database, error }) => `${database}: ${error}`).join('; ');
      return json(503, { error: `nothing was written (${why})`, failed: failures });
    }
    const { activeDatabase } = client;
    const answer: SteeringAnswer = {
      version: published.version,
      until: published.until ?? null,
      written: written.map(redact),
      failed: failures,
    };
    return json(200, {
      changed: true,
      activeDatabase: activeDatabase === undefined ? null : redact(activeDatabase),
      ...answer,
    });
  } catch (error) {
    return isMultiDbError(error)
      ? failure(error.code === 'INVALID_STEERING' ? 400 : 409, redact(error.message))
      : failure(500, 'it failed');
  }
}

function publish(source: SteeringSource, document: SteeringDocument) {
  parseSteering(document);
  // `resolveHttpOptions` only accepts sources that publish.
  return (source.publish as NonNullable<SteeringSource['publish']>)(document);
}
