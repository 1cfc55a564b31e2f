import {
  MAX_STEERING_LENGTH,
  parseSteering,
  type Steering,
  type SteeringDocument,
  versionAbove,
} from '../core/steering/document.js';
import { SteeringSourceError } from '../errors.js';
import { foreignReason } from '../foreign/foreign-error.js';
import type {
  SteeringContext,
  SteeringDatabase,
  SteeringPublication,
  SteeringSource,
} from '../options/steering.js';
import { jittered, milliseconds, optionalText, requiredText, sourceOptions } from './options.js';
import { signed, verified } from './signature.js';

/** Options of `redisSteering()`. */
export interface RedisSteeringOptions {
  /** The key that holds the document, in each database of the client; without `keyPrefix`. */
  readonly key: string;
  /**
   * Signs and verifies documents (HMAC with SHA-256), so that the permission to write keys is not the
   * permission to steer. Default: none.
   */
  readonly secret?: string;
  /** Time between two readings, about. Accepts milliseconds from 1 to 2147483647. Default: 5000. */
  readonly intervalMs?: number;
  /** The name of the source. Default: `redis`. */
  readonly name?: string;
}

/** Room for the signature, and one character more than is allowed, in bytes of UTF-8. */
const MOST_BYTES = 4 * MAX_STEERING_LENGTH + 100;
/** Time between two readings before the first answer, in milliseconds. */
const FIRST_MS = 50;
/** How long a database without a probe connection is no trouble after the start. */
const PATIENCE = 40;

/**
 * Steering by a key in the databases of the client. It is read over the probe connections that are
 * open already. The highest version of all databases is obeyed, so that any one of them is enough.
 */
export function redisSteering(options: RedisSteeringOptions): SteeringSource {
  return new RedisSteering(options);
}

/** What one database holds. */
export interface Found {
  readonly id: string;
  /** Undefined: none, or it can't be read. */
  readonly steering?: Steering;
  readonly text?: string;
  readonly error?: string;
}

/** The source, with which the command line reads and writes as well. */
export class RedisSteering implements SteeringSource {
  readonly name: string;
  readonly key: string;
  /** Where the source is watched at this moment. */
  readonly #contexts = new Set<SteeringContext>();
  readonly #secret: string | undefined;
  readonly #intervalMs: number;

  constructor(options: RedisSteeringOptions) {
    const given = sourceOptions(options, ['key', 'secret', 'intervalMs', 'name'], 'options');
    this.key = requiredText(given.key, 'key');
    this.#secret = optionalText(given.secret, 'secret');
    this.#intervalMs = milliseconds(given.intervalMs, 'intervalMs', 5000);
    this.name = optionalText(given.name, 'name') ?? 'redis';
  }

  get isSigned(): boolean {
    return this.#secret !== undefined;
  }

  /** Reads the document of one database. Never rejects. */
  async read({ id, sendCommand }: SteeringDatabase): Promise<Found> {
    try {
      const value = String(await sendCommand(this.#readCommand));
      if (value === '') return { id };
      const text = verified(value, this.key, this.#secret);
      return { id, text, steering: parseSteering(text) };
    } catch (error) {
      return { id, error: foreignReason(error) };
    }
  }

  /** Writes a document to one database. Never rejects. */
  async write({ id, sendCommand }: SteeringDatabase, text: string): Promise<Found> {
    try {
      await sendCommand(['SET', this.key, signed(text, this.key, this.#secret)]);
      return { id, text };
    } catch (error) {
      return { id, error: foreignReason(error) };
    }
  }

  /** Writes to every database of every client that watches the source. */
  async publish(document: SteeringDocument): Promise<SteeringPublication> {
    const databases = [...this.#contexts].flatMap((context) =>
      context.databases.map((database) => ({ context, database })),
    );
    if (databases.length === 0) {
      throw new SteeringSourceError(this.name, 'no client that is connected reads it');
    }
    const found = await Promise.all(databases.map(({ database }) => this.read(database)));
    const seen = found.map(({ steering }) => steering?.version ?? 0);
    const version = versionAbove(seen, document.version);
    const published: SteeringDocument = { ...document, version };
    const text = JSON.stringify(published, undefined, 2);
    parseSteering(text);
    const results = await Promise.all(
      databases.map(async ({ context, database }) => {
        const result = await this.write(database, text);
        // Otherwise this process would obey a moment later than the others.
        if (result.error === undefined) context.deliver(text, database.id);
        return result;
      }),
    );
    const failed = results.flatMap(({ id, error }) =>
      error === undefined ? [] : [{ place: id, cause: error }],
    );
    const failedIds = new Set(failed.map(({ place }) => place));
    const ids = new Set(results.map(({ id }) => id));
    const written = [...ids].filter((id) => !failedIds.has(id));
    return { document: published, written, failed };
  }

  /** Reads the value; an empty string if there is none. */
  get #readCommand(): readonly string[] {
    return ['GETRANGE', this.key, '0', String(MOST_BYTES)];
  }

  watch(context: SteeringContext): () => void {
    this.#contexts.add(context);
    let isOver = false;
    let answers = 0;
    let readings = 0;
    const readOne = async ({ id, sendCommand }: SteeringDatabase) => {
      try {
        const value = String(await sendCommand(this.#readCommand));
        if (isOver) return;
        answers += 1;
        if (value === '') context.absent(id);
        else context.deliver(this.#documentOrNone(value), id);
      } catch (error) {
        if (isOver) return;
        // The first probe connections are still opening.
        if (answers > 0 || readings > PATIENCE) context.fail(error, id);
      }
    };
    const read = async () => {
      readings += 1;
      await Promise.all(context.databases.map(readOne));
      if (isOver) return;
      const isFirst = answers === 0 && readings <= PATIENCE;
      context.after(isFirst ? FIRST_MS : jittered(this.#intervalMs, context.random), read);
    };
    context.after(0, read);
    return () => {
      isOver = true;
      this.#contexts.delete(context);
    };
  }

  /** What is not signed becomes a text that is no document, and is reported as invalid. */
  #documentOrNone(value: string): string {
    try {
      return verified(value, this.key, this.#secret);
    } catch {
      return 'not signed with the secret';
    }
  }
}
