import type { ManagedClient } from '../runtime/group/managed-client.js';
import type { Emit } from '../runtime/safe-emitter.js';
import { publishEvent } from './channels.js';
import { logEvent } from './debug-log.js';
import { noteClosed, noteOpen } from './open-clients.js';

export interface Diagnosed {
  readonly instance: () => ManagedClient;
  /** It, or a duplicate of it, is open. */
  readonly isOpen: () => boolean;
}

/** Hands every event of a client to those who watch the process rather than this client. */
export function diagnose(client: string, { instance, isOpen }: Diagnosed): Emit {
  return (name, ...event) => {
    if (name === 'ready') noteOpen(instance(), client);
    logEvent(client, name, event);
    publishEvent(client, name, event);
    if (name === 'end' && !isOpen()) noteClosed(instance(), client);
  };
}
