import { json } from './answers.js';
import type { OperatedClient } from './client.js';
import { redact } from './redact.js';
import type { Answer } from './request.js';

/**
 * 200 while a database can serve. Probes of an orchestrator come from elsewhere without
 * credentials, so every client gets the result, and only clients that may read get names and
 * reasons.
 */
export function readiness(client: OperatedClient, closed: boolean, tellsMore: boolean): Answer {
  if (closed) return unavailable('closed', 'the handler is closed; the process is about to end');
  const { activeDatabase } = client;
  if (client.isReady) {
    const id = activeDatabase === undefined ? null : redact(activeDatabase);
    return json(200, tellsMore ? { status: 'ready', activeDatabase: id } : { status: 'ready' });
  }
  const { state, others } = client.explain();
  const reason = {
    closed: 'the client is closed',
    connecting: 'the client is connecting',
    serving: 'the connection to the active database is being re-established',
    searching: 'the active database failed; the client is searching for another one',
    down: 'no database can serve',
  }[state];
  if (!tellsMore) return unavailable(state, reason);
  const databases = others.map(({ id, details }) => {
    return { id: redact(id), details: details.map(redact) };
  });
  return unavailable(state, reason, { databases });
}

function unavailable(state: string, reason: string, more: object = {}): Answer {
  return json(503, { status: 'unavailable', state, reason, ...more }, { 'retry-after': '1' });
}
