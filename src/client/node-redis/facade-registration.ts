import { registerClient, unregisterClient } from '../../drivers/node-redis/library-internals.js';
import type { TraceSource } from '../traced-call.js';

interface Facade {
  readonly _clientId?: string;
  readonly isPubSubActive?: boolean;
  readonly clientSideCache?: { size(): number } | undefined;
}

/**
 * Registers a facade in the client registry of node-redis, for the metrics of
 * `OpenTelemetry.init()`: events under its id have the address of the active database. Only while
 * it is open, because the registry keeps its entries. Connections register themselves.
 */
export class FacadeRegistration {
  constructor(
    private readonly facade: Facade,
    private readonly source: TraceSource,
    private readonly pending: () => number,
  ) {}

  set isOpen(isOpen: boolean) {
    const { facade, source, pending } = this;
    const { _clientId: id } = facade;
    if (id === undefined) return;
    if (!isOpen) {
      unregisterClient(facade);
      return;
    }
    registerClient({
      identity: { id, role: 'standalone' },
      getAttributes: () => {
        const { serverAddress: host, serverPort: port, database: db } = source.place();
        const isPubSub = facade.isPubSubActive === true;
        return { host, port, db, clientId: id, parentId: undefined, isPubSub };
      },
      getPendingRequests: pending,
      getCacheItemCount: () => facade.clientSideCache?.size() ?? 0,
      isConnected: () => false,
    });
  }
}
