import { type PlantedBug, plant } from './planted-bug.js';

/** Mistakes in which connections are used, replaced and closed. */
export const PLANTED_IN_CONNECTIONS: readonly PlantedBug[] = [
  plant(
    'the verdict comes from the old probe connection, whatever a new one answers',
    'runtime/health/shared-probe-connection.ts',
    'if (now - this.#inVainAt < IN_VAIN_MS) return false;',
    'if (now >= 0) return false;',
    3,
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
    10,
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
    'a connection that was lost or replaced still counts as the active one',
    'runtime/command/ready-connections.ts',
    '    this.#route = undefined;\n    return super.delete(link);',
    '    return super.delete(link);',
    5,
  ),
  plant(
    'the connection to the active database is remembered across a switch',
    'runtime/command/ready-connections.ts',
    'if (route !== this.#route) {',
    'if (this.#route === undefined) {',
    1,
  ),
  plant(
    'a superseded connection is never closed',
    'runtime/command/data-connections.ts',
    '    if (channel.isEmpty) {\n      this.endDraining',
    '    if (channel.isEmpty && !channel.superseded) {\n      this.endDraining',
    3,
  ),
  plant(
    'a successor of the probe connection takes no place, so that the old one is asked again',
    'runtime/health/shared-probe-connection.ts',
    '    this.#present = way;\n    this.#successor = undefined;',
    '    this.#successor = undefined;',
    42,
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
    'connections of transactions are kept after a switch',
    'runtime/transaction/transaction-connections.ts',
    '      if (pooled.database === to.database) continue;\n',
    '      if (pooled.database === to.database || pooled.lease === undefined) continue;\n',
    6,
  ),
  plant(
    'a flow that a firewall has forgotten is not noticed before the deadlines',
    'runtime/command/silence.ts',
    'if (!isDead(view, batch?.commands ?? [args], arrivedBefore)) return;',
    'if (view !== undefined) return;',
    70,
  ),
  plant(
    'a check of writes that finds another server keeps the connection of the full checks',
    'runtime/health/health-monitor.ts',
    'listener.onOutdated(database, why, bySide)',
    'listener.onOutdated(database, why, false)',
    794,
  ),
];
