import type { CommandArgument } from '../../../src/core/command-argument.js';
import type {
  Attempt,
  Connection,
  ConnectionListener,
  Driver,
  ProbeConnection,
} from '../../../src/drivers/driver.js';
import { openProbeOver } from '../../../src/testing/fake-connection.js';
import {
  FAKE_ERROR_JUDGEMENT,
  FakeErrorReply,
  FakeNetworkError,
} from '../../../src/testing/fake-errors.js';
import type { FakeAnswer } from '../../../src/testing/fake-network.js';
import type { FleetClock } from './fleet-clock.js';
import type { Measurements } from './measurements.js';
import type { ModelDatabase } from './model-database.js';

type Direction = 'toServer' | 'toClient';

/** The way from one process to one database. */
export class Path {
  /** Packets are lost in both directions, and sent again. */
  isCut = false;
  readonly wires = new Set<Wire>();

  constructor(
    readonly clock: FleetClock,
    readonly database: ModelDatabase,
    /** Latency of one direction, in milliseconds. */
    readonly latencyMs: number,
    readonly measurements: Measurements,
  ) {}

  get isLossy(): boolean {
    return this.isCut || this.database.isSilent;
  }

  /** What was lost is sent again after `delayMs`, as by TCP. */
  release(delayMs: number): void {
    for (const wire of this.wires) wire.release(delayMs);
  }
}

interface WireListener {
  onOpen(): void;
  onClosed(error: FakeNetworkError): void;
}

/** Waits of TCP before the first packet of a connection is sent again, in milliseconds. */
const SYN_AGAIN_MS = [1000, 2000, 4000];

/** One TCP connection. Packets arrive in order; lost ones are sent again until one side has closed. */
class Wire {
  state: 'opening' | 'open' | 'closed' = 'opening';
  /** The server has closed it; the client may not know yet. */
  #isReset = false;
  readonly #held: Record<Direction, (() => void)[]> = { toServer: [], toClient: [] };
  readonly #last: Record<Direction, number> = { toServer: 0, toClient: 0 };

  constructor(
    readonly path: Path,
    private readonly listener: WireListener,
  ) {
    path.wires.add(this);
    path.database.connections.add(this);
    this.#transmit('toServer', () => this.#accept(0));
  }

  /** Sends a request; `onReply` follows when its reply has arrived. */
  send(units: number, onReply: () => void): void {
    this.#transmit('toServer', () => {
      const { database, measurements } = this.path;
      if (database.isFull) {
        measurements.add(measurements.of(database.id).drops);
        this.cut();
      } else database.serve(units, () => this.#transmit('toClient', onReply));
    });
  }

  destroy(): void {
    this.#end();
  }

  /** The server resets the connection. */
  cut(code: 'ECONNRESET' | 'ECONNREFUSED' = 'ECONNRESET'): void {
    if (this.#isReset || this.state === 'closed') return;
    this.#held.toServer.length = 0;
    this.#held.toClient.length = 0;
    this.path.database.connections.delete(this);
    this.#transmit('toClient', () => {
      if (this.state === 'closed') return;
      this.#end();
      this.listener.onClosed(new FakeNetworkError(code, `${this.path.database.id}.fake:6379`));
    });
    this.#isReset = true;
  }

  release(delayMs: number): void {
    for (const direction of ['toServer', 'toClient'] as const) {
      for (const arrive of this.#held[direction].splice(0))
        this.#transmit(direction, arrive, delayMs);
    }
  }

  #accept(attempt: number): void {
    const { clock, database, measurements } = this.path;
    const series = measurements.of(database.id);
    measurements.add(series.connects);
    if (database.isDown) {
      this.cut('ECONNREFUSED');
      return;
    }
    const againMs = SYN_AGAIN_MS[attempt];
    if (database.isFull) {
      measurements.add(series.drops);
      if (againMs === undefined) return;
      clock.at(clock.now() + againMs, () => {
        if (this.state === 'opening') this.#transmit('toServer', () => this.#accept(attempt + 1));
      });
      return;
    }
    // A handshake takes two round trips: TCP, and HELLO with AUTH.
    database.serve(database.capacity.connectionUnits, () =>
      this.#transmit('toClient', () => this.#open(), 2 * this.path.latencyMs),
    );
  }

  #open(): void {
    if (this.state !== 'opening') return;
    this.state = 'open';
    this.listener.onOpen();
  }

  #end(): void {
    this.state = 'closed';
    this.path.wires.delete(this);
    this.path.database.connections.delete(this);
    this.#held.toServer.length = 0;
    this.#held.toClient.length = 0;
  }

  #transmit(direction: Direction, arrive: () => void, laterMs = 0): void {
    // What the server sends after it has closed the connection goes nowhere.
    if (this.#isReset) return;
    const { clock, latencyMs } = this.path;
    const at = Math.max(clock.now() + latencyMs + laterMs, this.#last[direction]);
    this.#last[direction] = at;
    clock.at(at, () => {
      // What the server has received is served although the client has gone.
      const isGone = direction === 'toClient' && this.state === 'closed';
      if (isGone || (direction === 'toServer' && this.#isReset)) return;
      const held = this.#held[direction];
      if (!this.path.isLossy && held.length === 0) arrive();
      else if (this.state !== 'closed') held.push(arrive);
    });
  }
}

/** Work of a question of the engine, such as a PING, in units. */
const QUESTION_UNITS = 1;

class ModelConnection implements Connection {
  ready = false;
  bytesReceived = 0;
  #hasEnded = false;
  readonly #underWay = new Set<Attempt>();
  readonly #wire: Wire;

  constructor(
    private readonly path: Path,
    private readonly commandUnits: number,
    listener: ConnectionListener,
  ) {
    this.#wire = new Wire(path, {
      onOpen: () => {
        this.ready = true;
        listener.onReady();
      },
      onClosed: (error) => {
        this.#end(error);
        listener.onLost(error);
      },
    });
  }

  send(attempt: Attempt): void {
    const { measurements, database } = this.path;
    attempt.written = true;
    this.#underWay.add(attempt);
    const isQuestion = attempt.isQuestion === true;
    if (!isQuestion) measurements.add(measurements.of(database.id).commands);
    this.#wire.send(isQuestion ? QUESTION_UNITS : this.commandUnits, () => {
      if (this.#hasEnded) return;
      this.bytesReceived += 1;
      this.#underWay.delete(attempt);
      // A client library passes replies on through promises.
      queueMicrotask(() => attempt.onReply('OK'));
    });
  }

  withdraw(): boolean {
    return false;
  }

  identify(): Promise<string> {
    return Promise.resolve('1');
  }

  destroy(error: Error): void {
    if (this.#hasEnded) return;
    this.#wire.destroy();
    this.#end(error);
  }

  ref(): void {}
  unref(): void {}

  #end(error: Error): void {
    this.#hasEnded = true;
    this.ready = false;
    const attempts = [...this.#underWay];
    this.#underWay.clear();
    queueMicrotask(() => {
      for (const attempt of attempts) attempt.onError(error);
    });
  }
}

function openProbe(
  path: Path,
  values: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<ProbeConnection> {
  const { measurements, database } = path;
  const answerTo = ([name, key]: readonly CommandArgument[]): FakeAnswer => {
    if (name === 'PING') return { ok: true, reply: 'PONG' };
    if (name === 'GETRANGE') return { ok: true, reply: values.get(`${database.id} ${key}`) ?? '' };
    return { ok: false, error: new FakeErrorReply(`ERR unknown command '${name}'`) };
  };
  return openProbeOver((listener) => {
    const wire = new Wire(path, listener);
    return {
      ask: (args, onAnswer) => {
        measurements.add(measurements.of(database.id).probes);
        wire.send(QUESTION_UNITS, () => onAnswer(answerTo(args)));
      },
      destroy: () => wire.destroy(),
    };
  }, signal);
}

/** How one process reaches one database. `values` are the strings at keys, as `east key`. */
export function modelDriver(
  path: Path,
  commandUnits: number,
  values: ReadonlyMap<string, string>,
): Driver {
  const { id } = path.database;
  return {
    address: `${id}.fake:6379`,
    host: `${id}.fake`,
    port: 6379,
    connectTimeoutMs: 5000,
    openConnection: (listener) => new ModelConnection(path, commandUnits, listener),
    openSubscriber: () => {
      throw new Error('no pub/sub in this model');
    },
    openProbe: (signal) => openProbe(path, values, signal),
    ...FAKE_ERROR_JUDGEMENT,
  };
}
