import { placeOf } from '../../src/core/steering/spread.js';
import type { SteeringContext, SteeringSource } from '../../src/options/steering.js';
import type { SimulatedClient } from '../../src/testing/index.js';
import type { Draw } from './draw.js';
import type { World } from './world.js';

interface Document {
  readonly version: number;
  readonly content: Readonly<Record<string, unknown>>;
  /** Clock time of its publication. */
  readonly issuedAt: number;
  /** Duration of its validity; Infinity: until a newer one. */
  readonly forMs: number;
  readonly spreadMs: number;
  readonly drain: readonly string[];
  readonly failback: boolean | undefined;
}

/** A document with its times at the place of this process. */
interface Received {
  readonly document: Document;
  readonly beginsAt: number;
  readonly endsAt: number;
}

/** Boundaries of documents are in whole milliseconds of the wall clock, and timers fire late. */
const TOLERANCE_MS = 50;

/**
 * An operator who publishes steering documents, over sources that deliver them late, again, in the wrong
 * order, or not at all. Judges by rules of its own what the process obeys: the newest valid document, from
 * its turn to its end.
 */
export class SteeringWorld {
  readonly instanceId: string;
  readonly sources: readonly SteeringSource[];
  /** Number of documents that were obeyed. */
  obeyed = 0;
  readonly #contexts = new Map<string, SteeringContext>();
  readonly #lastRead = new Map<string, number>();
  readonly #documents: Document[] = [];
  #current: Received | undefined;
  #next: Received | undefined;
  #place: number;
  #appliedVersion: number | undefined;

  constructor(
    private readonly world: World,
    private readonly draw: Draw,
    private readonly report: (promise: string, text: string) => void,
    private readonly note: (text: string) => void,
  ) {
    this.instanceId = `process-${draw.integer(1, 1_000_000)}`;
    this.#place = placeOf(this.instanceId);
    this.sources = ['primary', 'secondary'].map((name) => ({
      name,
      watch: (context) => {
        this.#contexts.set(name, context);
        context.absent();
        this.#lastRead.set(name, this.world.clock.now());
        return () => this.#contexts.delete(name);
      },
    }));
  }

  /** The document that the engine obeys, as it was published. */
  document(client: SimulatedClient): Document | undefined {
    const version = client.session.group.coordinator.steering.obeyed?.steering.version;
    return this.#documents.find((each) => each.version === version);
  }

  /** Whether it drains this database now: a drain ends in time, also while the event loop is blocked. */
  drains(client: SimulatedClient, id: string): boolean {
    const { endsAt = 0 } = client.session.group.coordinator.steering.obeyed ?? {};
    return this.world.clock.now() < endsAt && this.document(client)?.drain.includes(id) === true;
  }

  /** Now and then something is published, or happens to a source. */
  act(): void {
    const { draw } = this;
    const name = draw.one(['primary', 'secondary']);
    const context = this.#contexts.get(name);
    if (context === undefined) return;
    switch (draw.one(['publish', 'publish', 'publish', 'again', 'invalid', 'absent', 'fail'])) {
      case 'publish': {
        const document = this.#draw();
        this.#documents.push(document);
        this.note(`steering: ${JSON.stringify(document.content)}`);
        const lateMs = draw.one([0, 0, 1000, 20_000]);
        this.world.clock.deliver(lateMs, () => this.#deliver(name, document));
        break;
      }
      case 'again':
        if (this.#documents.length > 0) this.#deliver(name, draw.one(this.#documents));
        break;
      case 'invalid':
        context.deliver(draw.one(['{', '{"schemaVersion":1}', { version: -1 }]));
        break;
      case 'absent':
        context.absent();
        this.#lastRead.set(name, this.world.clock.now());
        break;
      case 'fail':
        context.fail(new Error('the source is lost'));
    }
  }

  /** After every step: what is obeyed is what is to be obeyed. */
  look(client: SimulatedClient): void {
    const { coordinator } = client.session.group;
    if (!client.isReady && coordinator.phase !== 'running') return;
    const now = this.world.clock.now();
    this.#settle(now);
    const actual = coordinator.steering.obeyed?.steering.version;
    if (actual !== this.#appliedVersion) {
      this.#appliedVersion = actual;
      if (actual !== undefined) this.obeyed += 1;
    }
    const times = [this.#current, this.#next].flatMap((each) =>
      each === undefined ? [] : [each.beginsAt, each.endsAt],
    );
    if (times.some((at) => Math.abs(at - now) < TOLERANCE_MS)) return;
    const current = this.#current;
    const expected =
      current !== undefined && now < current.endsAt ? current.document.version : undefined;
    if (actual === expected) return;
    this.report('P1', `steering version ${actual} is obeyed instead of ${expected}`);
  }

  #deliver(name: string, document: Document): void {
    const context = this.#contexts.get(name);
    if (context === undefined) return;
    const { clock } = this.world;
    const now = clock.now();
    this.#settle(now);
    const newest = this.#next ?? this.#current;
    const isNewer = newest === undefined || document.version > newest.document.version;
    if (isNewer) {
      const lastRead = this.#lastRead.get(name) ?? Number.NEGATIVE_INFINITY;
      const issued = Math.min(now, Math.max(lastRead, document.issuedAt));
      const inMs = this.#place * document.spreadMs;
      this.#next = {
        document,
        beginsAt: issued + inMs,
        endsAt: issued + document.forMs + inMs,
      };
      this.#settle(now);
    }
    this.#lastRead.set(name, now);
    context.deliver(
      this.draw.chance(0.5) ? JSON.stringify(document.content) : { ...document.content },
    );
  }

  #settle(now: number): void {
    if (this.#next === undefined || this.#next.beginsAt > now) return;
    this.#current = this.#next;
    this.#next = undefined;
  }

  #draw(): Document {
    const { draw, world } = this;
    const ids = [...world.present.map(({ id }) => id), 'nowhere'];
    const version = this.#documents.length + 1;
    const wallTime = Math.floor(world.clock.wallTime());
    const issuedAt = wallTime - (world.clock.wallTime() - world.clock.now());
    const forMs = draw.one([5000, 60_000, 200_000, Number.POSITIVE_INFINITY]);
    const spreadMs = draw.one([0, 0, 10_000, 60_000]);
    const drain = draw.chance(0.5) ? [draw.one(ids)] : [];
    const preference = draw.one([
      {},
      { prefer: draw.one(ids) },
      { weights: { [draw.one(ids)]: draw.one([0.1, 3]) } },
    ]);
    const isContradiction = 'prefer' in preference && drain.includes(preference.prefer as string);
    const failback = draw.one([undefined, undefined, true, false]);
    const content = {
      schemaVersion: 1,
      version,
      issuedAt: new Date(wallTime).toISOString(),
      ...(Number.isFinite(forMs) ? { until: new Date(wallTime + forMs).toISOString() } : {}),
      ...(spreadMs > 0 ? { spread: spreadMs } : {}),
      ...(isContradiction ? {} : preference),
      ...(drain.length > 0 ? { drain } : {}),
      ...(failback === undefined ? {} : { failback }),
      by: 'operator',
      reason: 'a simulation',
    };
    return { version, content, issuedAt, forMs, spreadMs, drain, failback };
  }
}
