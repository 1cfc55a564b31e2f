import { MAX_STEERING_LENGTH } from '../core/steering/document.js';
import type { SteeringContext, SteeringDatabase, SteeringSource } from '../options/steering.js';
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

/** The source, which the command line uses to write what it reads. */
export class RedisSteering implements SteeringSource {
  readonly name: string;
  readonly key: string;
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

  /** The command that reads the value; an empty string if there is none. */
  get readCommand(): readonly string[] {
    return ['GETRANGE', this.key, '0', String(MOST_BYTES)];
  }

  /** The command that writes a document. */
  writeCommand(document: string): readonly string[] {
    return ['SET', this.key, signed(document, this.key, this.#secret)];
  }

  /** The document in a value; throws `InvalidSteeringError` if it is not signed as it has to be. */
  documentIn(value: string): string {
    return verified(value, this.key, this.#secret);
  }

  watch(context: SteeringContext): () => void {
    let isOver = false;
    let answers = 0;
    let readings = 0;
    const readOne = async ({ id, sendCommand }: SteeringDatabase) => {
      try {
        const value = String(await sendCommand(this.readCommand));
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
    };
  }

  /** What is not signed becomes a text that is no document, and is reported as invalid. */
  #documentOrNone(value: string): string {
    try {
      return this.documentIn(value);
    } catch {
      return 'not signed with the secret';
    }
  }
}
