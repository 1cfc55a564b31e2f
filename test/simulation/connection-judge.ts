import type { FakeWire } from '../../src/testing/fake-network.js';
import type { SimulatedClient } from '../../src/testing/index.js';
import type { Place, World } from './world.js';

/** For how long a condition has held, in time in which the event loop could run. */
interface Since {
  readonly at: number;
  /** It means something else once one of these has changed. */
  readonly generation: number;
  readonly disturbances: number;
}

/** What the engine does beside the commands' deadlines: checks, handovers, a second try. */
const SLACK_MS = 1000;
/** A probe connection that was superseded is kept so long. */
const FORMER_PROBE_MS = 2000;
/** Between two renewals for the same complaint at most. */
const LONGEST_RENEWAL_PAUSE_MS = 130_000;

/**
 * Connections that are kept although nothing needs them: to an earlier server of a database after
 * that has refused a command, to standbys whose connections are lazy, and those of transactions to
 * a database that is not active. Each would be found too late, by the commands that it fails.
 */
export class ConnectionJudge {
  /** Since when an earlier server refuses commands of a healthy database. */
  readonly #refusedSince = new Map<Place, Since>();
  readonly #refusedAt = new Map<Place, number>();
  /** Since when a standby has connections that only the active database needs. */
  readonly #neededSince = new Map<Place, number>();

  constructor(
    private readonly world: World,
    private readonly client: SimulatedClient,
    private readonly report: (promise: string, text: string) => void,
  ) {}

  /** A command of a caller was refused. */
  onRefused(place: Place, wire: FakeWire): void {
    // Over a connection whose flow was forgotten nobody learns of the refusal.
    if (wire.process?.isReplica !== true || wire.isForgotten) return;
    const { awake } = this.world;
    const before = this.#refusedAt.get(place);
    this.#refusedAt.set(place, awake);
    const isActive = this.client.activeDatabase === place.id;
    if (place.fault !== undefined || !isActive || this.#refusedSince.has(place)) return;
    // Renewals that came one after the other pause.
    if (before !== undefined && awake - before < LONGEST_RENEWAL_PAUSE_MS) return;
    const { disturbances } = place;
    this.#refusedSince.set(place, { at: awake, disturbances, generation: this.#generation });
  }

  look(): void {
    for (const place of this.world.present) {
      this.#outdatedAreReplaced(place);
      this.#unneededAreClosed(place);
    }
  }

  #outdatedAreReplaced(place: Place): void {
    const since = this.#refusedSince.get(place);
    if (since === undefined) return;
    const isOver =
      place.fake.staleConnections === 0 ||
      place.fault !== undefined ||
      place.disturbances !== since.disturbances ||
      this.#generation !== since.generation;
    if (isOver) this.#refusedSince.delete(place);
    const { awake, bounds, options } = this.world;
    const { commandDeadlineMs, suspectAfterMs } = options;
    const allowedMs =
      bounds.verdictMs + suspectAfterMs + commandDeadlineMs + FORMER_PROBE_MS + SLACK_MS;
    if (isOver || awake - since.at <= allowedMs) return;
    const kinds = wires(place, (wire) => wire.process?.isReplica === true).join(', ');
    const lateMs = Math.round(awake - since.at);
    this.report('P8', `${place.id}: ${kinds} connections to an earlier server after ${lateMs} ms`);
  }

  #unneededAreClosed(place: Place): void {
    const isLazy = this.world.options.standbyConnections === 'lazy';
    const isUnneeded = (kind: string) => kind === 'isolated' || (isLazy && kind === 'data');
    const kinds = wires(place, ({ kind }) => isUnneeded(kind));
    if (this.client.activeDatabase === place.id || kinds.length === 0) {
      this.#neededSince.delete(place);
      return;
    }
    const { awake, options } = this.world;
    const since = this.#neededSince.get(place) ?? awake;
    this.#neededSince.set(place, since);
    if (awake - since <= options.commandDeadlineMs + SLACK_MS) return;
    const lateMs = Math.round(awake - since);
    this.report('P9', `${place.id} is a standby, and keeps ${kinds.join(', ')} for ${lateMs} ms`);
  }

  get #generation(): number {
    return this.client.session.group.coordinator.route.generation;
  }
}

function wires({ fake }: Place, is: (wire: FakeWire) => boolean): string[] {
  return [...fake.clients].filter(is).map(({ kind }) => kind);
}
