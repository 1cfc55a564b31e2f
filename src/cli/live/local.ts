/** The databases of a config, as seen by a client in this process that only probes. */
import type { MultiDbClient } from '../../client/node-redis/client-type.js';
import { createMultiDbClient } from '../../client/node-redis/create-client.js';
import { systemClock } from '../../clock.js';
import { InitializationFailedError } from '../../errors.js';
import type { MultiDbEventName } from '../../events.js';
import { type Status, statusOf, switchStatus } from '../../http/status.js';
import { every, sleep } from '../../test-bed/wire/wait.js';
import { FailedError } from '../exit.js';
import type { Target } from '../target.js';
import type { ServerEvent } from './event-source.js';

const VERDICTS_MS = 5000;
const LOOK_EVERY_MS = 1000;

export class Local {
  readonly name: string;
  readonly #client: MultiDbClient;

  constructor({ name, options }: Target) {
    this.name = name;
    this.#client = createMultiDbClient(options as never) as MultiDbClient;
    this.#client.on('error', () => {});
  }

  /** Resolves once every database has a verdict, or after some seconds. */
  async open(): Promise<void> {
    try {
      await this.#client.connect();
    } catch (error) {
      if (!(error instanceof InitializationFailedError)) throw error;
      const reasons = error.failures.map(
        ({ databaseId, reason }) => `\n  ${databaseId}: ${reason}`,
      );
      throw new FailedError(`No database can serve:${reasons.join('')}`);
    }
    const giveUpAt = systemClock.now() + VERDICTS_MS;
    const isUnknown = () => this.#client.databases.some(({ health }) => health === 'unknown');
    while (isUnknown() && systemClock.now() < giveUpAt) await sleep(20);
  }

  async status(): Promise<Status> {
    return statusOf(this.#client, systemClock.wallTime());
  }

  async *events(signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const waiting: ServerEvent[] = [];
    let wake = () => {};
    const push = (event: ServerEvent) => {
      waiting.push(event);
      wake();
    };
    const onEvent = (name: MultiDbEventName) => (data: unknown) => {
      push({ event: name, data: name === 'switch' ? switchStatus(data as never) : data });
      push({ event: 'status', data: statusOf(this.#client, systemClock.wallTime()) });
    };
    for (const name of SHOWN) this.#client.on(name, onEvent(name) as never);
    const timer = every(LOOK_EVERY_MS, () =>
      push({ event: 'status', data: statusOf(this.#client, systemClock.wallTime()) }),
    );
    signal.addEventListener('abort', () => wake(), { once: true });
    push({ event: 'status', data: await this.status() });
    try {
      while (!signal.aborted) {
        const next = waiting.shift();
        if (next !== undefined) yield next;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
            if (signal.aborted) resolve();
          });
      }
    } finally {
      timer.cancel();
    }
  }

  close(): void {
    this.#client.destroy();
  }
}

const SHOWN: readonly MultiDbEventName[] = [
  'switch',
  'database-unhealthy',
  'database-healthy',
  'breaker-open',
  'breaker-closed',
  'degraded',
  'all-databases-down',
  'recovered',
];
