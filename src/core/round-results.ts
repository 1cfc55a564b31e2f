/** A health check of a database, by its name. */
interface NamedCheck {
  readonly options: { readonly name: string };
}

interface Result {
  readonly healthy: boolean;
  readonly cause: string | undefined;
  readonly incarnation: number;
}

/** The facts of the database that decide which results count. */
export interface ResultsView {
  /** Changes when the database is left: older results are void. */
  readonly incarnation: number;
  /** Why the database was left the last time; undefined: it never was. */
  readonly left?: unknown;
}

/**
 * The latest round of each health check of one database. A result counts for the incarnation of the
 * database at which its round began.
 */
export class RoundResults<Check extends NamedCheck> {
  readonly #latest = new Map<Check, Result>();
  /** Incarnation at each check's round start. */
  readonly #startedFor = new Map<Check, number>();

  begin(check: Check, { incarnation }: ResultsView): void {
    this.#startedFor.set(check, incarnation);
  }

  /** Records the end of a round. Returns false if the database was left since its start. */
  record(
    check: Check,
    { healthy, cause }: Pick<Result, 'healthy' | 'cause'>,
    { incarnation }: ResultsView,
  ): boolean {
    if (this.#startedFor.get(check) !== incarnation) return false;
    this.#latest.set(check, { healthy, cause, incarnation });
    return true;
  }

  forget(check: Check): void {
    this.#latest.delete(check);
    this.#startedFor.delete(check);
  }

  /** Whether the latest round of each of the checks was healthy. */
  allPassed(checks: readonly Check[], view: ResultsView): boolean {
    return checks.every((check) => this.#resultOf(check, view)?.healthy === true);
  }

  /** The first of the checks whose latest round was unhealthy. */
  failed(checks: readonly Check[], view: ResultsView): Pick<Result, 'cause'> | undefined {
    for (const check of checks) {
      const result = this.#resultOf(check, view);
      if (result?.healthy === false) return result;
    }
    return undefined;
  }

  /**
   * Why a failback to the database is not allowed; `undefined` if it is. Gates are open before the
   * first verdict, because start-up does not wait for them. After the database was left they are
   * closed until they have passed again.
   */
  closedGate(gates: readonly Check[], view: ResultsView): string | undefined {
    for (const gate of gates) {
      const result = this.#resultOf(gate, view);
      if (result === undefined ? view.left === undefined : result.healthy) continue;
      return result !== undefined
        ? result.cause
        : `${gate.options.name}: not checked again since the database was left`;
    }
    return undefined;
  }

  #resultOf(check: Check, { incarnation }: ResultsView): Result | undefined {
    const latest = this.#latest.get(check);
    return latest?.incarnation === incarnation ? latest : undefined;
  }
}
