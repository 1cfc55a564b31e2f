import { EventEmitter } from 'node:events';
import type { IoredisInstance } from './library.js';

type Listener = (...event: unknown[]) => unknown;

/** What the client itself does on an event of the engine. */
export type Hooks = Readonly<Record<string, Listener>>;

const OF_STATUS: ReadonlySet<string> = new Set(['connect', 'ready', 'reconnecting', 'end']);

/**
 * Passes the events of the engine on to the listeners of an ioredis client, except those that follow
 * `redis.status` under the same name.
 *
 * The engine calls the listeners of an emitter one by one, so that one that throws stops nothing.
 */
export class EventRelay extends EventEmitter {
  constructor(
    private readonly redis: IoredisInstance,
    private readonly hooks: Hooks,
  ) {
    super();
  }

  override rawListeners(name: string): Listener[] {
    const { redis } = this;
    if (name === 'error') return [(error) => redis.silentEmit('error', error)];
    const hook = this.hooks[name];
    const own = hook === undefined ? [] : [hook];
    if (OF_STATUS.has(name)) return own;
    const listeners = redis.rawListeners(name) as Listener[];
    return [...own, ...listeners.map((each): Listener => each.bind(redis))];
  }
}
