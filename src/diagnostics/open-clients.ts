import { processState } from '../process-state.js';
import type { ManagedClient } from '../runtime/group/managed-client.js';
import { publishClient } from './channels.js';

/** By instance; a client with its duplicates is there once, from the first `ready` to the last `end`. */
const open = processState('open-clients@1', () => new Map<ManagedClient, string>());

/**
 * The clients of this process that are open: connected, and neither closed nor destroyed. A
 * client and its duplicates are one. For tools that look after all clients; what comes and goes is
 * published on the diagnostics channel `redis-multidb:client`.
 */
export function openClients(): readonly ManagedClient[] {
  return [...open.keys()];
}

export function noteOpen(instance: ManagedClient, client: string): void {
  if (open.has(instance)) return;
  open.set(instance, client);
  publishClient({ client, state: 'open', instance });
}

export function noteClosed(instance: ManagedClient, client: string): void {
  if (open.delete(instance)) publishClient({ client, state: 'closed', instance });
}
