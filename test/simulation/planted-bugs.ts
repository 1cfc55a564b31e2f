import type { Edit } from './altered.js';

/** A mistake that a change of the engine could contain. */
export interface PlantedBug {
  readonly name: string;
  readonly edit: Edit;
  /** The first schedule that is tried: one that shows the bug, so that the search is short. Default: 1. */
  readonly firstSeed: number;
}

/**
 * Mistakes that the simulation must notice. Each is a change of the source text; where the text
 * has changed so that an edit finds no place, its test fails: adapt the edit.
 */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  plant(
    'the generation of an outcome is not checked',
    'runtime/command/outcomes.ts',
    'const isCurrent = attempt.generation === this.client.coordinator.route.generation;',
    'const isCurrent = true;',
    47,
  ),
  plant('the grace period is ignored', 'core/selection.ts', '    view.graceEndsAt <= now &&\n', ''),
  plant(
    'the breaker is never closed',
    'runtime/health/grace-periods.ts',
    'if (!database.circuit.close(this.runtime.clock.now())) return;',
    'if (this.runtime.clock.now() >= 0) return;',
    8,
  ),
  plant(
    'one failure leads to two failovers',
    'runtime/failover/failover.ts',
    'switchover.switchTo(view as Database, failure.reason, why, { lastResort, failed: true });',
    `switchover.switchTo(view as Database, failure.reason, why, { lastResort, failed: true });
      this.#leave(view as Database, failure);`,
    3,
  ),
  plant(
    'a database that was left returns without having been checked',
    'core/selection.ts',
    '    view.unverified !== true &&\n',
    '',
    146,
  ),
  plant(
    'a retry wait does not wake on a switch',
    'runtime/command/takeover.ts',
    'for (const command of client.waiting.retries.takeAll()) moving.add(command);',
    '',
    2,
  ),
  plant(
    'unwritten commands are not moved',
    'runtime/command/takeover.ts',
    '    channel.takeBackUnwritten(moving);',
    '',
    10,
  ),
  plant(
    'the backlog is lost at a switch',
    'runtime/group/executor.ts',
    '[...commands, ...this.waiting.takeBacklog()].sort(',
    '[...commands].sort(',
    16,
  ),
  plant(
    'a verdict from before the database was left is accepted',
    'core/round-results.ts',
    'if (this.#startedFor.get(check) !== incarnation) return false;',
    '',
    397,
  ),
  plant(
    'a blocked loop counts as silence',
    'loop-clock.ts',
    'Math.min(now - this.now, STALL_TICKS * this.tickMs)',
    'now - this.now',
    6,
  ),
  plant(
    'the timeout of a probe ignores stalls',
    'runtime/health/probe.ts',
    'loop.after(timeoutMs,',
    'clock.after(timeoutMs,',
    24,
  ),
  plant(
    'a silent database is not noticed when a standby has answered',
    'runtime/command/deadlines.ts',
    'if (client.hedging === undefined) return true;',
    'if (client.pending === 0) return true;',
    34,
  ),
  plant(
    'a read is hedged at a standby that is not eligible',
    'runtime/command/hedging.ts',
    'if (best === undefined || best.lastResort || isSilent(best.view)) return undefined;',
    'if (best === undefined) return undefined;',
    7,
  ),
  plant(
    'silence raises no suspicion',
    'runtime/command/deadlines.ts',
    'coordinator.health.suspect(channel.database, { doubtSince, silentForMs });',
    '',
    36,
  ),
  plant(
    'a lost connection raises no suspicion',
    'runtime/health/connection-reports.ts',
    '    } else this.host.connectivity.fail(database);\n    this.host.suspect(database, { fresh: true });',
    '    } else this.host.connectivity.fail(database);',
    14,
  ),
  plant(
    'a lazy standby that could not be reached is never tried again',
    'runtime/health/reachability.ts',
    'if (!isOver) this.#next(',
    'if (isOver === undefined) this.#next(',
    79,
  ),
  plant(
    'that all are down is never announced',
    'runtime/failover/outage.ts',
    "if (this.host.phase !== 'running' || this.#route.state === 'down') return;",
    "if (this.host.phase !== 'new') return;",
    3,
  ),
  plant(
    'an outage never ends',
    'runtime/failover/outage.ts',
    "if (this.#route.state === 'down') {",
    "if (this.#route.state === 'down') return;\n    if (this.host.phase === 'new') {",
    3,
  ),
  plant(
    'failback ignores that a database is forced',
    'runtime/failover/failback-schedule.ts',
    'return this.supported && !this.hold.lasts;',
    'return this.supported;',
    20,
  ),
  plant(
    'the last resort is never left',
    'runtime/failover/failback.ts',
    'if (best !== undefined && !best.lastResort) {',
    'if (best === undefined && now < 0) {',
    26,
  ),
  plant(
    'a waiting command has no deadline',
    'runtime/command/deadlines.ts',
    'if (time >= waiting.earliestDeadline) {',
    'if (time < 0) {',
    7,
  ),
  plant(
    'a command of unknown outcome is repeated whatever it is',
    'core/retry.ts',
    `    case 'perhaps':
      return mayRepeat(category, question.safety) ? 'retry' : 'fail';`,
    `    case 'perhaps':
      return 'retry';`,
  ),
  plant(
    'a takeover repeats writes',
    'runtime/command/takeover.ts',
    'if (!harmless && !(retryOnFailover && mayRepeat(category, safety))) continue;',
    '',
    8,
  ),
  plant(
    'moved commands are sent in reverse order',
    'runtime/group/executor.ts',
    '.sort((a, b) => a.sequence - b.sequence)',
    '.sort((a, b) => b.sequence - a.sequence)',
  ),
  plant(
    'that a lost command may have run is forgotten',
    'runtime/command/outcomes.ts',
    'command.maybeExecuted = true;\n      if (mayWrite(',
    'if (mayWrite(',
  ),
  plant(
    'the lowest weight is preferred',
    'core/selection.ts',
    'view.weight > than.weight ||',
    'view.weight < than.weight ||',
  ),
  plant(
    'the timer of failback outlives the client',
    'runtime/failover/failback-schedule.ts',
    'this.#timer?.cancel();',
    '',
  ),
  plant(
    'a drained database is chosen as if it were not',
    'core/selection.ts',
    '    view.slow === undefined &&\n    !isDrained(view, now)',
    '    view.slow === undefined',
    5,
  ),
  plant(
    'a resumed database stays drained',
    'runtime/failover/drains.ts',
    '    database.ownDrainEndsAt = 0;\n    return true;',
    '    return true;',
    11,
  ),
  plant(
    'one that replaces another of its id gets its turn, but the commands go on to the one before',
    'runtime/failover/coordinator.ts',
    'if (this.route.database === old) {',
    'if (this.route.database === old && now < 0) {',
    3,
  ),
  plant(
    'automatic failback does not happen',
    'runtime/failover/failback-schedule.ts',
    '      this.start();\n      this.check();',
    '      this.start();',
  ),
  plant(
    'the verdict comes from the old probe connection, whatever a new one answers',
    'runtime/health/shared-probe-connection.ts',
    'if (now - this.#inVainAt < IN_VAIN_MS) return false;',
    'if (now >= 0) return false;',
  ),
  plant(
    'connections of transactions are kept when the connections of their database are replaced',
    'runtime/group/executor.ts',
    '        this.transactionConnections.renew(database, why);\n',
    '',
    24,
  ),
  plant(
    'data connections are kept although a check over a new connection contradicts them',
    'runtime/group/executor.ts',
    '        this.connections.renew(database);\n',
    '',
  ),
  plant(
    'a renewed connection is not handed what was not written',
    'runtime/command/data-connections.ts',
    '    this.client.resend([...moving]);\n  }\n',
    '  }\n',
    5,
  ),
  plant(
    'a superseded connection goes on to get new commands',
    'runtime/command/data-connections.ts',
    '      this.#use(link, connection, database);\n      this.client.cacheValidity?.refresh();\n      this.#resumeRetries',
    `      if (channel === undefined) this.#use(link, connection, database);
      else this.channels.set(link, channel);
      this.client.cacheValidity?.refresh();
      this.#resumeRetries`,
  ),
  plant(
    'a superseded connection is never closed',
    'runtime/command/data-connections.ts',
    '    if (channel.isEmpty) {\n      this.endDraining',
    '    if (channel.isEmpty && !channel.superseded) {\n      this.endDraining',
  ),
  plant(
    'a successor of the probe connection takes no place, so that the old one is asked again',
    'runtime/health/shared-probe-connection.ts',
    '    this.#present = way;\n    this.#successor = undefined;',
    '    this.#successor = undefined;',
    42,
  ),
  plant(
    'a gate that closes evicts the active database',
    'runtime/health/health-monitor.ts',
    "if (check.options.role === 'gate') this.listener.onGates(this.database, this.gateCause);",
    "if (check.options.role === 'gate' && healthy) this.listener.onGates(this.database, this.gateCause);",
    23,
  ),
  plant(
    'a lazy standby that becomes active is never connected',
    'runtime/group/executor.ts',
    '      link.open();\n    }\n    this.cacheValidity',
    '      if (!this.lazy) link.open();\n    }\n    this.cacheValidity',
    3,
  ),
  plant(
    'a lazy connection is kept after its database was left while well',
    'runtime/command/takeover.ts',
    'if (link === undefined || !(failed || client.lazy)) return;',
    'if (link === undefined || !failed) return;',
    3,
  ),
  plant(
    'a lazy connection is kept after a manual switch that failed',
    'runtime/group/group.ts',
    '      for (const member of this.members) member.connections.rest(database);\n',
    '',
    23,
  ),
  plant(
    'a duplicate does not follow a switch',
    'runtime/group/executor.ts',
    '  #onRouteChange(change: RouteChange): void {\n',
    '  #onRouteChange(change: RouteChange): void {\n    if (!this.connections.areRequired) return;\n',
  ),
  plant(
    'a transaction is repeated after an EXEC that may have run',
    'runtime/transaction/run-transaction.ts',
    "return !lease.entered && isMultiDbError(error) && error.code === 'CONNECTION_LOST';",
    "return isMultiDbError(error) && error.code === 'CONNECTION_LOST';",
    75,
  ),
  plant(
    'connections of transactions are kept after a switch',
    'runtime/transaction/transaction-connections.ts',
    '      if (pooled.database === to.database) continue;\n',
    '      if (pooled.database === to.database || pooled.lease === undefined) continue;\n',
    6,
  ),
  plant(
    'a transaction goes on over the database that was left',
    'runtime/transaction/transaction-connections.ts',
    '      } else lease.abort(switched);\n',
    '      }\n',
  ),
  plant(
    'a flow that a firewall has forgotten is not noticed before the deadlines',
    'runtime/command/silence.ts',
    'if (!isDead(view, batch?.commands ?? [args], arrivedBefore)) return;',
    'if (view !== undefined) return;',
    70,
  ),
  plant(
    'a steering document that has ended is obeyed',
    'core/steering/obedience.ts',
    'return current !== undefined && now < current.endsAt ? current : undefined;',
    'return current;',
    1,
  ),
  plant(
    'steering makes a database active that is not eligible',
    'core/steering/overlay.ts',
    'forced: force && id === prefer',
    'forced: id === prefer',
    10,
  ),
];

function plant(
  name: string,
  file: string,
  find: string,
  replace: string,
  firstSeed = 1,
): PlantedBug {
  return { name, edit: { file, find, replace }, firstSeed };
}
