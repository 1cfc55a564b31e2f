import { openClients } from '../diagnostics/open-clients.js';
import type { DatabaseSnapshot } from '../runtime/report/snapshot.js';
import type { MultiDbStats } from '../runtime/report/stats.js';

/** What is read of a client, whatever its modules and scripts. */
export interface MeasuredClient {
  /** Every database at this moment. */
  readonly databases: readonly DatabaseSnapshot[];
  /** Returns what has been counted so far. */
  stats(): MultiDbStats;
}

/** A client, with all that share its databases, at the moment of a collection. */
export interface Subject {
  /** Its name; `name-2`, `name-3` ... when several open clients have the same. */
  readonly client: string;
  readonly stats: MultiDbStats;
  readonly databases: readonly DatabaseSnapshot[];
}

/** Number of groups that are remembered as not exported. */
const MAX_OTHERS = 1000;

/**
 * The clients that are exported: those that were given, or all of the process, as long as they
 * are open. Clients that share their databases are one. A label belongs to its client until that
 * is closed.
 */
export class Subjects {
  readonly #labels = new Map<number, string>();
  /** Groups that are not among those that were given. */
  readonly #others = new Set<number>();

  constructor(private readonly given: readonly MeasuredClient[] | undefined) {}

  list(): readonly Subject[] {
    const found = new Map<number, Omit<Subject, 'client'>>();
    for (const client of this.given ?? openClients()) {
      const stats = client.stats();
      if (stats.clients === 0 || found.has(stats.group)) continue;
      found.set(stats.group, { stats, databases: client.databases });
    }
    for (const group of this.#labels.keys()) if (!found.has(group)) this.#labels.delete(group);
    return [...found].map(([group, subject]) => ({
      client: this.#labelOf(group, subject.stats.client),
      ...subject,
    }));
  }

  /** The label of a group that is exported; undefined: it is not. Called for each command. */
  find(group: number): string | undefined {
    const known = this.#labels.get(group);
    if (known !== undefined || this.#others.has(group)) return known;
    const found = this.list().find(({ stats }) => stats.group === group)?.client;
    if (found === undefined) this.#noteOther(group);
    return found;
  }

  /** A client that was given may be closed now and open later. */
  #noteOther(group: number): void {
    if (this.given === undefined) return;
    if (this.given.some((client) => client.stats().group === group)) return;
    if (this.#others.size >= MAX_OTHERS) this.#others.clear();
    this.#others.add(group);
  }

  #labelOf(group: number, name: string): string {
    const known = this.#labels.get(group);
    if (known !== undefined) return known;
    const taken = new Set(this.#labels.values());
    let label = name;
    for (let n = 2; taken.has(label); n += 1) label = `${name}-${n}`;
    this.#labels.set(group, label);
    return label;
  }
}
