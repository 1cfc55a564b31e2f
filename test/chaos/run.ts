/** One seed: servers, clients, traffic and faults for a while; then everything is healed and judged. */
import { createMultiDbClient, type MultiDbClient, type MultiDbClientOptions } from 'redis-multidb';
import { seededRandom } from 'redis-multidb/testing';
import { NameServer, waitFor } from '../kit/index.js';
import { Draw } from '../simulation/draw.js';
import { Caller } from './caller.js';
import { disturb } from './disturb.js';
import { History } from './history.js';
import { createIoredisClient } from './ioredis-client.js';
import { type Evidence, judge, type Violation } from './judge.js';
import { LoopTime } from './loop-time.js';
import { manage } from './manage.js';
import { type Perform, perform } from './perform.js';
import { Place } from './place.js';
import { type ChaosSettings, clientOptions, drawSettings, isHedged } from './settings.js';
import { SocketWitness } from './socket-witness.js';
import { steer } from './steer.js';
import { reach, topologyOf } from './topology.js';
import { Traffic } from './traffic.js';

export type ChaosApi = 'node-redis' | 'ioredis';

export interface ChaosOptions {
  readonly seed: number;
  /** How long there are faults. */
  readonly durationMs: number;
  /** The API of the clients. Default: node-redis. */
  readonly api?: ChaosApi;
  /** Longer stalls, more databases. Default false. */
  readonly thorough?: boolean;
  /** For the tests of the checker: what is wrong with the client. */
  readonly plant?: (perform: Perform) => Perform;
  /** The run goes on beyond its duration until this answers true. */
  readonly isEnough?: () => boolean;
  /** For the tests of the checker: before the data are read. */
  readonly tamper?: (places: readonly Place[], history: History) => Promise<void>;
  /** Without any. */
  readonly faults?: false;
  readonly settings?: Partial<ChaosSettings>;
}

export interface ChaosReport {
  readonly seed: number;
  readonly settings: ChaosSettings;
  readonly violations: readonly Violation[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly switches: number;
  readonly doubtsInVain: number;
  readonly repeatsAllowed: number;
  readonly tookMs: number;
  /** What happened, in order. */
  readonly trace: readonly string[];
}

const IDS = ['east', 'west', 'north'] as const;
const RECOVERY_MS = 10_000;

export function chaos(options: ChaosOptions): Promise<ChaosReport> {
  return new Run(options).run();
}

class Run {
  readonly #startedAt = performance.now();
  readonly #loop = new LoopTime();
  readonly #history = new History(() => this.#loop.time);
  readonly #sockets = new SocketWitness((id) => this.#history.isSettled(id));
  readonly #settings: ChaosSettings;
  readonly #violations: Violation[] = [];
  readonly #trace: string[] = [];
  readonly #faults: Record<string, number> = {};
  readonly #names: NameServer | undefined;
  #places: Place[] = [];
  #callers: Caller[] = [];

  constructor(private readonly options: ChaosOptions) {
    const draw = this.#draw(1);
    this.#settings = {
      ...drawSettings(draw, options.thorough ?? false),
      ...options.settings,
    };
    this.#names = this.#settings.names ? new NameServer().install() : undefined;
  }

  async run(): Promise<ChaosReport> {
    process.on('unhandledRejection', this.#onRejection);
    try {
      await this.#start();
      await this.#play();
      const recovered = await this.#recover();
      if (recovered) await this.#end();
      else for (const { client } of this.#callers) client.destroy();
      for (const place of this.#places) await place.settle();
      await this.options.tamper?.(this.#places, this.#history);
      return this.#report(await this.#evidence());
    } finally {
      process.off('unhandledRejection', this.#onRejection);
      this.#loop.stop();
      this.#sockets.stop();
      for (const { client } of this.#callers) client.destroy();
      await Promise.all(this.#places.map((place) => place.dispose()));
      this.#names?.dispose();
    }
  }

  async #start(): Promise<void> {
    const { databases, persist, clients, commandDeadlineMs, safety } = this.#settings;
    const { topology, pool, masterPoolSize, moves, duplicates } = this.#settings;
    const ids = IDS.slice(0, databases);
    this.#places = await Promise.all(
      ids.map((id, n) => {
        const single = topologyOf(topology, n);
        const isPlain = single === 'client' || single === 'pool';
        return Place.start(id, {
          persist: persist[n] as boolean,
          topology: single,
          moves: isPlain && moves,
          names: isPlain ? this.#names : undefined,
        });
      }),
    );
    for (const { proxy } of this.#places) this.#sockets.ports.add(proxy.port);
    const places = this.#places.map((place) => ({
      id: place.id,
      options: reach(place, pool, masterPoolSize),
    }));
    const doPerform = this.options.plant?.(perform) ?? perform;
    const create = () => {
      const options = clientOptions(this.#settings, places) as unknown as MultiDbClientOptions;
      if (this.options.api === 'ioredis') return createIoredisClient(options);
      return createMultiDbClient(options) as unknown as MultiDbClient;
    };
    const first = create();
    const another = () => (duplicates ? (first.duplicate() as MultiDbClient) : create());
    this.#callers = Array.from({ length: clients }, (_, index) => {
      const client = index === 0 ? first : another();
      for (const name of ['database-unhealthy', 'breaker-open', 'all-databases-down'] as const) {
        client.on(name, (event: object) => {
          const { id = '', cause = '' } = event as { id?: string; cause?: string };
          this.#note(`client ${index}: ${name} ${id} ${cause}`);
        });
      }
      const defaults = { safety, deadlineMs: commandDeadlineMs };
      return new Caller(index, client, this.#history, doPerform, defaults, (event) => {
        const { from, to, reason, cause } = event;
        this.#note(`client ${index}: ${from} -> ${to} ${reason}: ${cause}`);
      });
    });
    await Promise.all(this.#callers.map(({ client }) => this.#connect(client)));
  }

  /** Timeouts may be too short for the first connections of a process; it can be tried again. */
  async #connect(client: MultiDbClient): Promise<void> {
    let failure: unknown;
    const connect = () =>
      client.connect().then(
        () => true,
        (error) => {
          failure = error;
          return false;
        },
      );
    await waitFor(connect, { what: 'the client to connect', timeoutMs: 10_000 }).catch((error) => {
      throw new Error(`${error.message}: ${String(failure)}`);
    });
  }

  async #play(): Promise<void> {
    const { seed, durationMs, isEnough = () => true } = this.options;
    const traffic = new Traffic(this.#callers, this.#settings, seed, this.#note);
    const until = performance.now() + durationMs;
    const isOver = () => performance.now() >= until && isEnough();
    const note = (name: string) => {
      this.#faults[name] = (this.#faults[name] ?? 0) + 1;
    };
    traffic.start();
    await Promise.all([
      ...(this.options.faults === false
        ? [waitFor(isOver, { what: 'the end', timeoutMs: durationMs + 30_000 })]
        : disturb(this.#places, this.#draw(2), isOver, note, this.#note)),
      ...(this.#settings.extras.steering
        ? [steer(this.#places, this.#draw(4), isOver, this.#note)]
        : []),
      ...this.#callers.map((caller, n) =>
        manage(
          caller.client,
          this.#places,
          this.#settings,
          this.#draw(10 + n),
          isOver,
          this.#note,
          (text) => this.#violations.push({ kind: 'unsettled', text }),
        ),
      ),
    ]);
    traffic.stop();
  }

  /** With every database well, every client serves again by itself. */
  async #recover(): Promise<boolean> {
    this.#note('everything is healthy');
    for (const { client, index } of this.#callers) {
      const serves = async () => {
        await client.set('well', '1');
        return true;
      };
      try {
        await waitFor(serves, {
          what: 'the client to serve',
          timeoutMs: RECOVERY_MS,
          intervalMs: 20,
        });
      } catch (error) {
        const text = `client ${index} after ${RECOVERY_MS} ms: ${JSON.stringify(client.explain())}`;
        this.#violations.push({ kind: 'not-recovered', text: `${text}; ${String(error)}` });
        return false;
      }
    }
    const isOver = () => this.#history.pending.length === 0;
    await waitFor(isOver, { what: 'every command to settle', timeoutMs: RECOVERY_MS }).catch(() => {
      const text = `${this.#history.pending.length} commands wait although every database is healthy`;
      this.#violations.push({ kind: 'not-recovered', text });
    });
    return true;
  }

  /** Ends under traffic: nothing hangs, nothing is lied about then either. */
  async #end(): Promise<void> {
    const { ending, burst, commandDeadlineMs } = this.#settings;
    const traffic = new Traffic(this.#callers, this.#settings, this.options.seed, this.#note);
    const draw = this.#draw(3);
    const last = this.#callers.map((caller) => traffic.issueMany(draw, caller, burst));
    if (draw.chance(0.5)) await new Promise((resolve) => setImmediate(resolve));
    this.#note(ending);
    const closed = this.#callers.map(({ client }) =>
      ending === 'close' ? client.close() : client.destroy(),
    );
    const ended = Promise.all([...closed, ...last]);
    const until = this.#loop.time + commandDeadlineMs + 500;
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    const timeoutMs = 60_000;
    await waitFor(() => isOver || this.#loop.time > until, { what: 'the end', timeoutMs });
    if (!isOver) {
      const text = `${ending}() left ${this.#history.pending.length} commands pending`;
      this.#violations.push({ kind: 'unsettled', text });
    }
    for (const { client } of this.#callers) client.destroy();
  }

  async #evidence(): Promise<Evidence> {
    const { commandDeadlineMs, maxAttempts } = this.#settings;
    const oldest = Math.max(0, ...this.#history.pending.map(({ issuedAt }) => issuedAt));
    // Only what never settles makes it wait.
    const until = oldest + commandDeadlineMs + 500;
    const isOver = () => this.#history.pending.length === 0 || this.#loop.time > until;
    await waitFor(isOver, { what: 'the last deadline', timeoutMs: 60_000 });
    const databases = this.#places.map(async (place) => ({
      id: place.id,
      sendings: place.witness.sendings(),
      data: await place.read(),
      injected: place.witness.injected,
    }));
    return {
      operations: this.#history.operations,
      databases: await Promise.all(databases),
      handed: this.#sockets.handed,
      late: this.#sockets.late,
      switches: this.#callers.map(({ switches }) => switches),
      maxAttempts,
      hedged: isHedged(this.#settings),
      loopTime: this.#loop.time,
    };
  }

  #report(evidence: Evidence): ChaosReport {
    const judgement = judge(evidence);
    const outcomes: Record<string, number> = {};
    for (const { outcome } of this.#history.operations) {
      const name = nameOf(outcome);
      outcomes[name] = (outcomes[name] ?? 0) + 1;
    }
    return {
      seed: this.options.seed,
      settings: this.#settings,
      violations: [...this.#violations, ...judgement.violations],
      outcomes,
      faults: this.#faults,
      switches: this.#callers.reduce((sum, { switches }) => sum + switches.length, 0),
      doubtsInVain: judgement.doubtsInVain,
      repeatsAllowed: judgement.repeatsAllowed,
      tookMs: performance.now() - this.#startedAt,
      trace: this.#trace,
    };
  }

  #draw(stream: number): Draw {
    return new Draw(seededRandom(this.options.seed * 7919 + stream));
  }

  readonly #note = (text: string): void => {
    this.#trace.push(`${this.#loop.time.toFixed(0).padStart(8)}  ${text}`);
  };

  readonly #onRejection = (error: unknown): void => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#note(`unhandled rejection: ${text}`);
    this.#violations.push({ kind: 'unhandled-rejection', text });
  };
}

function nameOf(outcome: History['operations'][number]['outcome']): string {
  if (outcome === undefined) return 'pending';
  if (outcome.kind === 'reply') return 'acknowledged';
  const { code, message } = outcome.error as { code?: string; message?: string };
  const { name } = (outcome.error as object).constructor;
  return code ?? `${name} ${name === 'AbortError' ? '' : message?.split(' ', 1)[0]}`.trim();
}
