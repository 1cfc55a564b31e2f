import { type Selection, selectFailback } from '../../core/selection.js';
import {
  ClientClosedError,
  DatabaseUnavailableError,
  InvalidOptionError,
  UnknownDatabaseError,
} from '../../errors.js';
import type { ResolvedDatabase, ResolvedHealthCheck } from '../../options/types.js';
import type { Database } from '../database.js';
import type { Group } from './group.js';
import type { AddOptions } from './managed-client.js';
import { replaceInPlace } from './replacement.js';

/** Operations that may change the group while commands are running. */
export class Management {
  constructor(private readonly group: Group) {}

  get #coordinator() {
    return this.group.coordinator;
  }

  find(id: string): Database {
    const database = this.#coordinator.databases.get(id);
    if (database === undefined) {
      throw new UnknownDatabaseError(id, [...this.#coordinator.databases.keys()]);
    }
    return database;
  }

  /**
   * Verifies the target with a probe, then makes it active. A later failback may leave it again.
   */
  setActive(id: string): Promise<void> {
    return this.#activate(id, 'manual', 0);
  }

  /** Like `setActive`; failback and weights are then ignored for `durationMs`. */
  forceActive(id: string, durationMs: number): Promise<void> {
    return this.#activate(id, 'forced', durationMs);
  }

  /**
   * Makes the database active at once, whatever its checks say, and does not leave it for any failure
   * for `durationMs`. The results of its checks remain, and count again at the end.
   */
  forceUnchecked(id: string, durationMs: number): void {
    const database = this.find(id);
    const coordinator = this.#coordinator;
    coordinator.excuse(database);
    coordinator.hold.begin(coordinator.now + durationMs, database);
    if (coordinator.route.database === database) coordinator.router.setLastResort(false);
    else coordinator.switchover.switchTo(database, 'forced', 'by hand, without checks');
    coordinator.evaluate();
  }

  /** Ends the hold of the active database. Returns false if it was not held. */
  release(): boolean {
    if (!this.#coordinator.hold.end()) return false;
    this.#coordinator.evaluate();
    return true;
  }

  /**
   * Adds a health check, whose first round begins at once. Returns its name. The database stays as
   * healthy as it was until the first verdict.
   */
  addHealthCheck(id: string, check: ResolvedHealthCheck): string {
    const database = this.find(id);
    if (database.healthChecks.some(({ name }) => name === check.name)) {
      throw new InvalidOptionError('healthCheck', `a name that no check of ${id} has`, check.name);
    }
    this.group.addHealthCheck(database, check);
    return check.name;
  }

  /** Removes the health checks of this name. The last full check can't be removed. */
  removeHealthCheck(id: string, name: string): void {
    const database = this.find(id);
    const { healthChecks } = database;
    const rest = healthChecks.filter((check) => check.name !== name);
    if (rest.length === healthChecks.length) {
      const names = healthChecks.map((check) => check.name).join(', ') || 'it has none';
      throw new InvalidOptionError('name', `the name of a health check of ${id} (${names})`, name);
    }
    if (database.isChecked && !rest.some(({ role }) => role === 'full')) {
      const expected = `the name of a health check that is not the last one of ${id}`;
      throw new InvalidOptionError('name', expected, name);
    }
    this.group.removeHealthCheck(database, name);
  }

  async #activate(id: string, reason: 'manual' | 'forced', durationMs: number): Promise<void> {
    const database = this.find(id);
    const release = this.group.hold(database);
    try {
      await this.#verify(database);
      this.#choose(database, reason, durationMs === 0 ? 0 : this.#coordinator.now + durationMs);
    } finally {
      release();
    }
  }

  setWeight(id: string, weight: number): boolean {
    if (!Number.isFinite(weight) || weight <= 0) {
      throw new InvalidOptionError('weight', 'a finite number above 0', weight);
    }
    const database = this.find(id);
    if (database.ownWeight === weight) return false;
    database.ownWeight = weight;
    this.#coordinator.steering.refresh();
    this.#takeForWeight(database);
    return true;
  }

  /**
   * Switches to a database of higher weight than the active one because a weight was set. One that
   * must be prepared, or does not answer, is taken when it is ready.
   */
  #takeForWeight(changed: Database): void {
    const coordinator = this.#coordinator;
    const { databases, health, hold, now, phase, preference, preparation, readiness, route } =
      coordinator;
    const active = route.database;
    if (phase !== 'running' || hold.lasts || active === undefined) return;
    const better = selectFailback(databases.values(), active.id, now, preference.prefer);
    if (better === undefined) return;
    const target = better as Database;
    const { id, ownWeight } = changed;
    const again = () => {
      if (changed.ownWeight === ownWeight) this.#takeForWeight(changed);
    };
    const isReady = health.verification.isSilent(target)
      ? readiness.isReady(target, again, { again: true })
      : preparation.isDone(target, again, true);
    if (!isReady) return;
    coordinator.switchover.switchTo(target, 'weight', `the weight of ${id} is now ${ownWeight}`);
  }

  /**
   * Turns automatic failback on or off; the next check of the schedule is the first one to heed it.
   * Returns false if nothing changed.
   */
  setFailbackSupported(supported: boolean): boolean {
    const { failbackSchedule } = this.#coordinator;
    if (failbackSchedule.configured === supported) return false;
    failbackSchedule.configured = supported;
    // A database that has never been active is taken at once.
    this.#coordinator.evaluate();
    return true;
  }

  /**
   * Adds a database. Resolves once it is known whether it is healthy; it stays either way. Rejects
   * if it is removed, or the client is closed, before that is known. With `skipInitialHealthCheck` it
   * resolves at once; the database is not eligible before its health checks have passed.
   */
  async add(
    options: ResolvedDatabase,
    { skipInitialHealthCheck = false }: AddOptions = {},
  ): Promise<Database> {
    this.#refuseKnown(options.id);
    let database: Database;
    try {
      database = this.group.add(options);
    } catch (error) {
      const half = this.#coordinator.databases.get(options.id);
      if (half !== undefined) this.group.remove(half);
      throw error;
    }
    if (skipInitialHealthCheck) return database;
    await this.#coordinator.health.conditions.firstVerdict(database);
    if (this.#coordinator.phase === 'ended') throw new ClientClosedError();
    // A replacement with the same id takes the place of this one.
    if (database.removed) {
      throw new DatabaseUnavailableError(`${options.id} was removed while it was being added`, {
        databaseId: options.id,
        cause: database.lastError,
      });
    }
    return database;
  }

  /**
   * Removes a database; resolves when it is gone. If it is active, the best of the others becomes
   * active first; rejects when none of them can serve although this one does.
   */
  async remove(id: string): Promise<void> {
    const coordinator = this.#coordinator;
    const refuseLast = () => {
      if (coordinator.databases.size > 1) return;
      throw new InvalidOptionError('id', 'an id of a database that is not the last one', id);
    };
    let database = this.find(id);
    refuseLast();
    const answered = this.#successorAnswers(database, 'removed');
    if (answered !== undefined) {
      await answered;
      database = this.find(id);
      refuseLast();
    }
    this.#leave(this.#successorOf(database, 'removed'), 'removed', `${id} was removed`);
    this.group.remove(database);
  }

  /**
   * Drains a database for `durationMs`: it is not eligible, and serves only when no other one can.
   * If it is active, the best of the others becomes active first; rejects when none of them can
   * serve.
   */
  async drain(id: string, durationMs: number): Promise<void> {
    let database = this.find(id);
    const answered = this.#successorAnswers(database, 'drained');
    if (answered !== undefined) {
      await answered;
      database = this.find(id);
    }
    const next = this.#successorOf(database, 'drained');
    // Comes first, so that no consequence of the switch selects the database again.
    this.#coordinator.drains.begin(database, durationMs);
    this.#leave(next, 'manual', `${id} was drained`);
    this.#coordinator.evaluate();
  }

  /** Ends a drain. Returns false if the database was not drained. */
  resume(id: string): boolean {
    const ended = this.#coordinator.drains.end(this.find(id));
    if (ended) this.#coordinator.evaluate();
    return ended;
  }

  /**
   * Adds the new database, waits until it is healthy, and only then removes the old one. A database
   * with the same id takes its place directly.
   */
  async replace(id: string, options: ResolvedDatabase): Promise<Database> {
    const old = this.find(id);
    if (options.id === id) return replaceInPlace(this.group, old, options);
    const added = await this.add(options);
    if (this.#coordinator.databases.get(id) !== old) {
      await this.remove(added.id).catch(() => {});
      throw new DatabaseUnavailableError(`${id} was removed while it was being replaced`, {
        databaseId: id,
      });
    }
    if (added.health !== 'healthy' || !added.connected) {
      const reason = added.cause ?? added.unconnected;
      await this.remove(added.id).catch(() => {});
      throw new DatabaseUnavailableError(`${added.id} can't serve: ${reason}; ${id} was kept`, {
        databaseId: added.id,
        cause: added.lastError,
      });
    }
    await this.remove(id);
    return added;
  }

  #refuseKnown(id: string): void {
    if (this.#coordinator.databases.has(id)) {
      throw new InvalidOptionError('id', 'an id that no database has', id);
    }
  }

  async #verify(database: Database): Promise<void> {
    const monitor = this.#coordinator.health.monitors.get(database);
    const { verification } = this.#coordinator.health;
    const answered = verification.verify(database);
    const verdict = await monitor?.verify();
    // A silent connection is replaced, or given up.
    await answered;
    if (verdict?.healthy) await this.#coordinator.health.conditions.whenConnected(database);
    const reason = database.removed
      ? 'it was removed'
      : verdict?.healthy !== true
        ? (verdict?.cause ?? 'the client is closed')
        : database.connected
          ? undefined
          : database.unconnected;
    if (reason === undefined) return;
    throw new DatabaseUnavailableError(`${database.id} can't serve: ${reason}`, {
      databaseId: database.id,
      cause: verdict?.error,
    });
  }

  /**
   * Resolves when the database that would take over has answered over its data connections, or
   * can't take over. Undefined if none takes over, or if it has just answered.
   */
  #successorAnswers(database: Database, why: 'removed' | 'drained'): Promise<unknown> | undefined {
    const next = this.#successorOf(database, why)?.view as Database | undefined;
    const { verification } = this.#coordinator.health;
    return next === undefined || verification.isFresh(next) ? undefined : verification.verify(next);
  }

  /**
   * Returns the database that takes over when the active one goes; undefined if this one isn't
   * active.
   */
  #successorOf(database: Database, why: 'removed' | 'drained'): Selection | undefined {
    const { candidates, route } = this.#coordinator;
    if (route.database !== database) return undefined;
    const { id } = database;
    const next = candidates.best(id);
    if (next !== undefined) return next;
    throw new DatabaseUnavailableError(
      `${id} is active and no other database can serve; it was not ${why}`,
      { databaseId: id },
    );
  }

  #leave(next: Selection | undefined, reason: 'removed' | 'manual', cause: string): void {
    if (next === undefined) return;
    const { lastResort } = next;
    // The hold ends, because it belongs to the database that was forced.
    this.#coordinator.hold.end();
    this.#coordinator.switchover.switchTo(next.view as Database, reason, cause, { lastResort });
  }

  #choose(database: Database, reason: 'manual' | 'forced', heldUntil: number): void {
    const coordinator = this.#coordinator;
    coordinator.clearFailureState(database);
    coordinator.hold.begin(heldUntil);
    // One that was the last resort is a choice now, and not left for the first eligible database.
    if (coordinator.route.database === database) coordinator.router.setLastResort(false);
    else coordinator.switchover.switchTo(database, reason, 'by hand');
  }
}
