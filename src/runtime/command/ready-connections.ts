import type { ReconnectingConnection } from '../connection/reconnecting-connection.js';
import type { DataConnection } from './data-connection.js';

/** The ready data connection of each link. */
export class ReadyConnections extends Map<ReconnectingConnection, DataConnection> {
  /** Grows with every change. */
  version = 0;

  override set(link: ReconnectingConnection, channel: DataConnection): this {
    this.version += 1;
    return super.set(link, channel);
  }

  override delete(link: ReconnectingConnection): boolean {
    this.version += 1;
    return super.delete(link);
  }

  override clear(): void {
    this.version += 1;
    super.clear();
  }
}
