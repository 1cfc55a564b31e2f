/** Requests of the page to the handler. */

import type { LatencyHistoryStatus } from '../../latency-history.js';
import type { Status, SwitchStatus } from '../../status.js';
import type { SteeringAnswer } from '../../steering-change.js';

/** The page is at the path of the handler, with or without a trailing slash. */
const BASE = `${location.origin}${location.pathname.replace(/\/*$/, '/')}`;
const RETRY_MS = 3000;

export interface Listener {
  onStatus(status: Status): void;
  onSwitch(event: SwitchStatus): void;
  onLive(isLive: boolean): void;
}

export async function loadHistory(): Promise<LatencyHistoryStatus | undefined> {
  try {
    const response = await fetch(`${BASE}history`);
    return response.ok ? ((await response.json()) as LatencyHistoryStatus) : undefined;
  } catch {
    return undefined;
  }
}

/** Resolves to why it was refused, if it was. */
export async function change(path: string, body: object): Promise<string | undefined> {
  const result = await post(path, body);
  return typeof result === 'string' ? result : undefined;
}

/** Resolves to the result, or to why it was refused. */
export async function publish(body: object): Promise<SteeringAnswer | string> {
  return (await post('steering', body)) as SteeringAnswer | string;
}

async function post(path: string, body: object): Promise<object | string> {
  try {
    const response = await fetch(`${BASE}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { error?: string };
    return response.ok ? answer : (answer.error ?? `refused (${response.status})`);
  } catch {
    return 'The application did not answer. The page shows the result when the application answers again.';
  }
}

export function signInUrl(): string {
  return `${BASE}sign-in`;
}

/**
 * A stream that reconnects by itself, also after an answer that ends an EventSource permanently.
 */
export function listen(listener: Listener): void {
  const source = new EventSource(`${BASE}events`);
  source.addEventListener('open', () => listener.onLive(true));
  source.addEventListener('status', ({ data }) => listener.onStatus(JSON.parse(data)));
  source.addEventListener('switch', ({ data }) => listener.onSwitch(JSON.parse(data)));
  source.addEventListener('error', () => {
    listener.onLive(false);
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(() => listen(listener), RETRY_MS);
  });
}
