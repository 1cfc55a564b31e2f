import type { Clock, Random, Timer } from '../clock.js';
import type { MultiDbEventName, MultiDbEvents } from '../events.js';
import type { OperatedClient } from './client.js';
import { redact, redactAuthor } from './redact.js';
import { MAX_WAITING_BYTES, type StreamSink } from './request.js';
import { type Status, switchStatus } from './status.js';

const KEPT_EVENTS = 200;
/** The buffer for readers that reconnect is smaller than the limit for one reader. */
const KEPT_BYTES = MAX_WAITING_BYTES / 2;
/** A reader reconnects by itself, and its permission is checked again. */
const MAX_AGE_MS = 15 * 60_000;
const RETRY_MS = 2000;

interface Reader {
  readonly sink: StreamSink;
  readonly since: number;
}

export interface EventStreamOptions {
  readonly maxListeners: number;
  readonly statusIntervalMs: number;
  readonly heartbeatMs: number;
}

/** `invalidate` is as frequent as writes and names keys, so it is not sent. */
type ToldEvent = Exclude<MultiDbEventName, 'invalidate'>;

/** The payload of each event, without secrets. */
const PAYLOADS: {
  readonly [E in ToldEvent]: (...event: MultiDbEvents[E]) => object;
} = {
  switch: switchStatus,
  failover: switchStatus,
  failback: switchStatus,
  'database-unhealthy': ({ id, cause, at }) => ({ id: redact(id), cause: redact(cause), at }),
  'database-healthy': ({ id, at, eligibleAt }) => ({ id: redact(id), at, eligibleAt }),
  'breaker-open': ({ id, at, failures, total }) => ({ id: redact(id), at, failures, total }),
  'breaker-closed': ({ id, at, failures, total }) => ({ id: redact(id), at, failures, total }),
  degraded: (event) => ({ ...event, id: redact(event.id), cause: redact(event.cause) }),
  'all-databases-down': ({ at, failures }) => ({
    at,
    failures: failures.map(({ id, cause }) => ({ id: redact(id), cause: redact(cause) })),
  }),
  recovered: ({ id, at, downForMs }) => ({ id: redact(id), at, downForMs }),
  steered: (event) => ({
    ...event,
    by: redactAuthor(event.by),
    reason: redact(event.reason),
    asks: redact(event.asks),
    source: redact(event.source),
  }),
  'subscriptions-restored': (event) => ({ ...event, id: redact(event.id) }),
  error: (error) => ({ message: redact(error.message) }),
  connect: () => ({}),
  ready: () => ({}),
  reconnecting: () => ({}),
  end: () => ({}),
};

/** `error` is what an EventSource calls a lost connection. */
const NAMES: Partial<Record<ToldEvent, string>> = { error: 'client-error' };

/** Server-sent events: all events of the client, and the status whenever it may have changed. */
export class EventStream {
  readonly #readers = new Set<Reader>();
  readonly #kept: { readonly number: number; readonly text: string; readonly bytes: number }[] = [];
  #keptBytes = 0;
  /** Distinguishes the event ids of this process from those of an earlier one. */
  readonly #instance: string;
  readonly #unsubscribe: (() => void)[] = [];
  #number = 0;
  #lastWriteAt = 0;
  #statusIsDue = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(
    client: OperatedClient,
    private readonly status: () => Status,
    private readonly options: EventStreamOptions,
    private readonly clock: Clock,
    random: Random,
  ) {
    this.#instance = Math.floor(random() * 2 ** 40).toString(36);
    for (const name of Object.keys(PAYLOADS) as ToldEvent[]) {
      const listener = (...event: unknown[]) => this.#onEvent(name, event);
      client.on(name, listener);
      this.#unsubscribe.push(() => client.off(name, listener));
    }
  }

  get listeners(): number {
    return this.#readers.size;
  }

  get isFull(): boolean {
    return this.#closed || this.#readers.size >= this.options.maxListeners;
  }

  /** Sends what was missed since `lastEventId`, the status, and from now on everything. */
  add(sink: StreamSink, lastEventId: string | undefined): void {
    if (this.isFull) {
      sink.end();
      return;
    }
    const reader = { sink, since: this.clock.now() };
    this.#readers.add(reader);
    sink.onGone(() => this.#remove(reader));
    const missed = this.#missedSince(lastEventId).map(({ text }) => text);
    // With an id, so that a reader that reconnects gets the events in between.
    const status = `id: ${this.#instance}-${this.#number}\n${this.#statusText()}`;
    const text = [`retry: ${RETRY_MS}\n\n`, ...missed, status].join('');
    this.#write([reader], text);
    this.#timer ??= this.#schedule();
  }

  /** Ends every stream and removes the listeners of the client. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#endAll();
  }

  #onEvent(name: ToldEvent, event: readonly unknown[]): void {
    const data = Reflect.apply(PAYLOADS[name], undefined, event);
    this.#number += 1;
    const id = `${this.#instance}-${this.#number}`;
    const text = `id: ${id}\nevent: ${NAMES[name] ?? name}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#keep(text);
    this.#write(this.#readers, text);
    if (name === 'end') this.#endAll();
    else this.#sendStatusSoon();
  }

  #keep(text: string): void {
    const bytes = Buffer.byteLength(text);
    this.#kept.push({ number: this.#number, text, bytes });
    this.#keptBytes += bytes;
    while (this.#kept.length > KEPT_EVENTS || this.#keptBytes > KEPT_BYTES) {
      this.#keptBytes -= this.#kept.shift()?.bytes ?? 0;
    }
  }

  /** Once for all the events of a turn. */
  #sendStatusSoon(): void {
    if (this.#statusIsDue || this.#readers.size === 0) return;
    this.#statusIsDue = true;
    this.clock.afterTurn(() => {
      this.#statusIsDue = false;
      if (this.#readers.size > 0) this.#write(this.#readers, this.#statusText());
    });
  }

  #schedule(): Timer {
    const { statusIntervalMs, heartbeatMs } = this.options;
    return this.clock.after(Math.min(statusIntervalMs, heartbeatMs), () => {
      this.#timer = undefined;
      const now = this.clock.now();
      for (const reader of [...this.#readers]) {
        if (now - reader.since >= MAX_AGE_MS) this.#end(reader);
      }
      if (this.#readers.size === 0) return;
      const silentMs = now - this.#lastWriteAt;
      if (silentMs >= statusIntervalMs) this.#write(this.#readers, this.#statusText());
      else if (silentMs >= heartbeatMs) this.#write(this.#readers, ': heartbeat\n\n');
      this.#timer ??= this.#schedule();
    });
  }

  #statusText(): string {
    return `event: status\ndata: ${JSON.stringify(this.status())}\n\n`;
  }

  #missedSince(lastEventId: string | undefined) {
    const [, instance, number] = /^(\w+)-(\d{1,15})$/.exec(lastEventId ?? '') ?? [];
    if (instance !== this.#instance) return [];
    return this.#kept.filter((event) => event.number > Number(number));
  }

  /** A reader that is too slow is disconnected, so that memory is bounded. */
  #write(readers: Iterable<Reader>, text: string): void {
    this.#lastWriteAt = this.clock.now();
    for (const reader of [...readers]) {
      if (reader.sink.write(text)) continue;
      this.#remove(reader);
      reader.sink.destroy();
    }
  }

  #remove(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #endAll(): void {
    for (const reader of [...this.#readers]) this.#end(reader);
  }

  #end(reader: Reader): void {
    this.#remove(reader);
    reader.sink.end();
  }
}
