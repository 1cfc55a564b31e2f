import { type Channel, channel } from 'node:diagnostics_channel';
import { EVENT_NAMES, type MultiDbEventName, type MultiDbEvents } from '../events.js';
import type { ManagedClient } from '../runtime/group/managed-client.js';
import type { ProbeRecord } from '../runtime/probe-record.js';
import { fieldsOf } from './fields.js';

const PREFIX = 'redis-multidb:';

/** The name of an event's `node:diagnostics_channel` channel, such as `redis-multidb:switch`. */
export function diagnosticsChannelName<
  Name extends MultiDbEventName | 'client' | 'probe' | 'command',
>(name: Name): `redis-multidb:${Name}` {
  return `${PREFIX}${name}` as `redis-multidb:${Name}`;
}

/**
 * What subscribers of an event's channel get: the event, with the name of the client that it
 * happened to. That of `error` is in `error`, that of `invalidate` in `key`.
 */
export type DiagnosticsMessage<Name extends MultiDbEventName = MultiDbEventName> = {
  readonly client: string;
} & (MultiDbEvents[Name] extends [event: infer Event]
  ? Event extends Error
    ? { readonly error: Event }
    : Event extends string | Buffer | null
      ? { readonly key: Event }
      : Event
  : unknown);

/** What subscribers of `redis-multidb:client` get when a client can be used, and when it ended. */
export interface ClientMessage {
  /** The client's name in metrics and diagnostics. */
  readonly client: string;
  /** Whether the client has been opened or closed. */
  readonly state: 'open' | 'closed';
  /** With its duplicates there is one message, for the first of them that was made. */
  readonly instance: ManagedClient;
}

/** What subscribers of `redis-multidb:probe` get after each probe of a health check. */
export interface ProbeMessage extends ProbeRecord {
  /** The client's name in metrics and diagnostics. */
  readonly client: string;
  /** As in `client.stats()`. */
  readonly group: number;
  /** The database. */
  readonly id: string;
}

/** Not an event: there are several a second, and few who want to know. */
export const probeChannelName = diagnosticsChannelName('probe');

const eventChannels = new Map<MultiDbEventName, Channel>(
  EVENT_NAMES.map((name) => [name, channel(diagnosticsChannelName(name))]),
);
const clientChannel = channel(diagnosticsChannelName('client'));
const probeChannel = channel(probeChannelName);

/**
 * Without subscribers this is a look at one field. A subscriber that throws does not stop what
 * called this, nor the other subscribers: Node.js turns it into an `uncaughtException`.
 */
export function publishEvent<Name extends MultiDbEventName>(
  client: string,
  name: Name,
  event: MultiDbEvents[Name],
): void {
  const to = eventChannels.get(name);
  if (to?.hasSubscribers !== true) return;
  const [payload] = event;
  to.publish(Object.freeze({ ...fieldsOf(payload), client }));
}

export function publishProbe(client: string, group: number, id: string, probe: ProbeRecord): void {
  if (!probeChannel.hasSubscribers) return;
  probeChannel.publish(Object.freeze({ ...probe, client, group, id }));
}

export function publishClient(message: ClientMessage): void {
  if (clientChannel.hasSubscribers) clientChannel.publish(Object.freeze(message));
}
