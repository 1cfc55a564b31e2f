import { isDeepStrictEqual } from 'node:util';
import { invalid } from '../../validation/check.js';
import { CONNECTION_OPTIONS, defaultOptions } from './connection-options.js';
import { INEFFECTIVE } from './ineffective-options.js';
import type { IoredisClass, IoredisOptions } from './library.js';
import { IOREDIS_OPTIONS, OF_OTHER_LIBRARIES } from './option-names.js';

/** Options of a client that stand beside those of a connection: the same in all databases. */
export class OptionsOfClients {
  readonly #collected: Record<string, unknown> = {};
  #isComplete = false;

  constructor(
    private readonly Redis: IoredisClass,
    private readonly shared: IoredisOptions,
  ) {}

  /** Takes those of one database. Throws `InvalidOptionError` if the clients can't have them. */
  collect(options: IoredisOptions, at: string): void {
    for (const [name, value] of Object.entries(withoutConnection(options))) {
      if (typeof value !== 'function' && !isDeepStrictEqual(this.#known(name, value), value)) {
        const expected = 'the same value for all databases, because it belongs to the client';
        throw invalid(`${at}.${name}`, expected, value);
      }
      if (!this.#isComplete) this.#collected[name] ??= value;
    }
  }

  /** Returns the options of each client. Those of later databases have to be the same. */
  complete(): IoredisOptions {
    this.#isComplete = true;
    return { ...this.#collected, ...withoutConnection(this.shared) };
  }

  /** The value that the clients have; `value` if they can have it. */
  #known(name: string, value: unknown): unknown {
    if (name in this.shared) return this.shared[name];
    if (name in this.#collected) return this.#collected[name];
    if (!this.#isComplete || !hasEffectLater(name) || isNone(name, value)) return value;
    return defaultOptions(this.Redis)[name];
  }
}

function hasEffectLater(name: string): boolean {
  return IOREDIS_OPTIONS.includes(name) && !(name in INEFFECTIVE) && name !== 'lazyConnect';
}

/** ioredis treats null like an absent option, except where it means that there is no limit. */
function isNone(name: string, value: unknown): boolean {
  return value === null && name !== 'maxRetriesPerRequest';
}

function withoutConnection(options: IoredisOptions): IoredisOptions {
  return Object.fromEntries(
    Object.entries(options).filter(
      ([name]) => !CONNECTION_OPTIONS.has(name) && !OF_OTHER_LIBRARIES.has(name),
    ),
  );
}
