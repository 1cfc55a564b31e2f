/**
 * The world of the playground: the engine of `createMultiDbClient` over simulated databases on virtual time. It runs in
 * the browser and in Node.js, with the same result for the same schedule.
 */
import { FakeDatabase } from '../../src/testing/fake-database.js';
import { seededRandom } from '../../src/testing/random.js';
import { SimulatedClient, type SimulatedEvent } from '../../src/testing/simulated-client.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { bounded, nested, type PlaygroundConfig } from './config.js';
import { describe } from './words.js';

export const FAULTS = {
  kill: 'Kill',
  freeze: 'Freeze',
  slow: 'Slow',
  readonly: 'Read-only',
  cut: 'Cut connections',
  forget: 'Drop flows',
  move: 'Move name',
  restore: 'Restore',
} as const;

export type Fault = keyof typeof FAULTS;

/** Latency of one direction under the fault `slow`. */
const SLOW_MS = 400;
/** Length of one sample. */
export const SAMPLE_MS = 100;
/** Number of samples and of entries of the timeline that are kept. */
const KEPT = 300;
/** How often the jitter of a database is drawn. */
const JITTER_MS = 20;

export interface TimelineEntry {
  /** Virtual time, in milliseconds. */
  readonly at: number;
  readonly tone: 'you' | 'switch' | 'bad' | 'good';
  readonly text: string;
}

/** What callers saw within a tenth of a second. */
export interface Sample {
  readonly at: number;
  readonly active: string | undefined;
  succeeded: number;
  failed: number;
  /** Longest time from the call to the reply, in milliseconds. */
  latencyMs: number;
}

interface Place {
  readonly fake: FakeDatabase;
  latencyMs: number;
  jitterMs: number;
  isSlow: boolean;
  /** The faults that hold. */
  readonly faults: Set<string>;
}

export class World {
  readonly clock = new VirtualClock();
  readonly client: SimulatedClient;
  readonly timeline: TimelineEntry[] = [];
  readonly samples: Sample[] = [];
  /** All errors of callers, by their code and what is known of their command. */
  readonly errors = new Map<string, number>();
  succeeded = 0;
  commandsPerSecond: number;
  readShare: number;
  readonly #places: Map<string, Place>;
  readonly #random = seededRandom(7);
  #seen = 0;
  #debt = 0;
  #isEnded = false;

  /** Throws `InvalidOptionError` as `createMultiDbClient` does. */
  constructor(config: PlaygroundConfig) {
    this.commandsPerSecond = config.commandsPerSecond;
    this.readShare = config.readShare;
    const places = config.databases.map(({ id, latencyMs, jitterMs }): Place => {
      const fake = new FakeDatabase({ id, clock: this.clock, latencyMs });
      return { fake, latencyMs, jitterMs, isSlow: false, faults: new Set() };
    });
    this.client = new SimulatedClient({
      clock: this.clock,
      databases: config.databases.map(({ weight }, index) => ({
        database: (places[index] as Place).fake,
        weight,
      })),
      options: nested(config.options),
    });
    this.#places = new Map(places.map((place) => [place.fake.id, place]));
  }

  /** Connects the client and starts the load. */
  start(): void {
    this.client
      .connect()
      .catch((error: Error) => this.#tell('bad', `connect() rejects: ${error.message}`));
    this.#sample();
    this.#jitter();
    this.#load();
  }

  /** Lets virtual time pass. */
  async advance(durationMs: number): Promise<void> {
    await this.clock.advance(durationMs);
    for (const event of this.client.events.slice(this.#seen)) this.#note(event);
    this.#seen = this.client.events.length;
  }

  /** Ends the load and the client; the world cannot be used any more. */
  end(): void {
    this.#isEnded = true;
    this.client.destroy();
  }

  /** The faults of a database that hold. */
  faultsOf(id: string): readonly string[] {
    return [...(this.#places.get(id)?.faults ?? [])];
  }

  setLatency(id: string, latencyMs: number, jitterMs: number): void {
    const place = this.#place(id);
    place.latencyMs = bounded(latencyMs, 0, 5000, place.latencyMs);
    place.jitterMs = bounded(jitterMs, 0, 5000, place.jitterMs);
    this.#draw(place);
  }

  apply(fault: Fault, id: string): void {
    const place = this.#place(id);
    const { fake, faults } = place;
    const act: Record<Fault, () => string> = {
      kill: () => {
        fake.crash();
        faults.add('killed');
        return `${id} is killed`;
      },
      freeze: () => {
        fake.freeze();
        faults.add('frozen');
        return `${id} is frozen`;
      },
      slow: () => {
        place.isSlow = true;
        faults.add('slow');
        return `${id} answers after ${2 * SLOW_MS} ms`;
      },
      readonly: () => {
        fake.state = 'READONLY';
        faults.add('read-only');
        return `${id} refuses writes`;
      },
      cut: () => {
        fake.killConnections();
        return `every connection to ${id} is cut, the server is healthy`;
      },
      forget: () => {
        fake.loseConnections();
        return `a firewall forgets the connections to ${id}`;
      },
      move: () => {
        fake.move();
        return `the name of ${id} leads to a new server; the old one becomes a replica`;
      },
      restore: () => {
        fake.heal();
        place.isSlow = false;
        faults.clear();
        return `${id} is restored`;
      },
    };
    this.#tell('you', act[fault]());
    this.#draw(place);
  }

  #place(id: string): Place {
    const place = this.#places.get(id);
    if (place === undefined) throw new Error(`no database ${id}`);
    return place;
  }

  #draw(place: Place): void {
    const jitter = place.jitterMs === 0 ? 0 : this.#random() * place.jitterMs;
    place.fake.latencyMs = (place.isSlow ? SLOW_MS : place.latencyMs) + jitter;
  }

  #jitter(): void {
    for (const place of this.#places.values()) this.#draw(place);
    this.clock.elsewhere(JITTER_MS, () => this.#isEnded || this.#jitter());
  }

  #sample(): void {
    const { activeDatabase: active } = this.client;
    this.samples.push({ at: this.clock.now(), active, succeeded: 0, failed: 0, latencyMs: 0 });
    if (this.samples.length > KEPT) this.samples.shift();
    this.clock.elsewhere(SAMPLE_MS, () => this.#isEnded || this.#sample());
  }

  #load(): void {
    const waitMs = Math.max(1, Math.min(100, 1000 / Math.max(1, this.commandsPerSecond)));
    this.#debt += (this.commandsPerSecond * waitMs) / 1000;
    for (; this.#debt >= 1 - 1e-9; this.#debt -= 1) this.#call();
    this.clock.deliver(waitMs, () => this.#isEnded || this.#load());
  }

  #call(): void {
    const isRead = this.#random() < this.readShare;
    const start = this.clock.now();
    const done = (isSuccess: boolean) => {
      const sample = this.samples.at(-1) as Sample;
      if (isSuccess) sample.succeeded += 1;
      else sample.failed += 1;
      sample.latencyMs = Math.max(sample.latencyMs, this.clock.now() - start);
    };
    this.client.send(isRead ? ['GET', 'key'] : ['INCR', 'key']).then(
      () => {
        this.succeeded += 1;
        done(true);
      },
      (error: Error & { code?: string; maybeExecuted?: boolean }) => {
        const known = error.maybeExecuted ? 'may have been executed' : 'not executed';
        const what = `${isRead ? 'read' : 'write'} ${error.code ?? error.message}, ${known}`;
        this.errors.set(what, (this.errors.get(what) ?? 0) + 1);
        done(false);
      },
    );
  }

  #note({ name, at, event }: SimulatedEvent): void {
    const told = describe(name, event[0]);
    if (told !== undefined) this.#tell(told.tone, told.text, at);
  }

  #tell(tone: TimelineEntry['tone'], text: string, at = this.clock.now()): void {
    this.timeline.push({ at, tone, text });
    if (this.timeline.length > KEPT) this.timeline.shift();
  }
}
