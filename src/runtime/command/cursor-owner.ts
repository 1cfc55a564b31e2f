import type { ServerIdentity } from '../../drivers/server-identity.js';
import type { Database } from '../database.js';

/** The origin of a cursor. */
export interface CursorOrigin {
  readonly database: Database;
  readonly server: ServerIdentity;
}

/** The attempt whose reply contained the cursor. */
export interface CursorAttempt {
  /** The generation of the route under which the attempt was sent. */
  readonly generation: number;
  readonly channel: { readonly database: Database };
  readonly lane: { readonly server: ServerIdentity };
}

/** One run of an iterator over its pages, with the origin of its latest cursor. */
export class CursorOwner {
  #from: (CursorOrigin & { readonly generation: number }) | undefined;

  get database(): Database | undefined {
    return this.#from?.database;
  }

  /** The origin of the latest cursor; `undefined` if there is no cursor yet. */
  get origin(): CursorOrigin | undefined {
    return this.#from;
  }

  note({ generation, channel, lane }: CursorAttempt): void {
    this.#from = { generation, database: channel.database, server: lane.server };
  }

  /** Whether the cursor is valid under the route of `generation`; true without a cursor. */
  holds(generation: number): boolean {
    return this.#from === undefined || this.#from.generation === generation;
  }
}
