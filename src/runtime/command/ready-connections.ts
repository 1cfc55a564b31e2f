import type { ReconnectingConnection } from '../connection/reconnecting-connection.js';
import type { Database } from '../database.js';
import type { Route } from '../route.js';
import type { DataConnection } from './data-connection.js';

/** The ready data connection of each link. */
export class ReadyConnections extends Map<ReconnectingConnection, DataConnection> {
  /** The route for which `#active` was found; `undefined` after a change of the connections. */
  #route: Route | undefined;
  #active: DataConnection | undefined;

  constructor(private readonly links: ReadonlyMap<Database, ReconnectingConnection>) {
    super();
  }

  /** The connection to the active database. Each command asks for it, and it seldom changes. */
  activeOf(route: Route): DataConnection | undefined {
    if (route !== this.#route) {
      const link = route.database && this.links.get(route.database);
      this.#active = link && this.get(link);
      this.#route = route;
    }
    return this.#active;
  }

  override set(link: ReconnectingConnection, channel: DataConnection): this {
    this.#route = undefined;
    return super.set(link, channel);
  }

  override delete(link: ReconnectingConnection): boolean {
    this.#route = undefined;
    return super.delete(link);
  }

  override clear(): void {
    this.#route = undefined;
    super.clear();
  }
}
