/** Asks one database over a connection of its own, as the client would make it. */
import { systemClock } from '../../clock.js';
import { percentile } from '../../drill/load/series.js';
import { duration } from '../../drill/report/format.js';
import { ask, open } from '../../drill/wire/direct.js';
import type { ProbeConnection } from '../../drivers/driver.js';
import { createDriver } from '../../drivers/node-redis/create-driver.js';
import type { ResolvedDatabase } from '../../options/types.js';
import { connectFinding } from './causes.js';
import { type DatabaseReport, type Finding, finding } from './report.js';
import {
  type ClockReading,
  certificateFinding,
  type Info,
  parseInfo,
  serverFindings,
} from './server-rules.js';
import { inspectTls, tlsTargetOf } from './tls.js';

const PINGS = 7;

export interface Inspected {
  readonly database: ResolvedDatabase;
  readonly report: DatabaseReport;
  readonly info: Info;
  readonly clock: ClockReading | undefined;
  /** Undefined when it could not be reached. To be destroyed by whoever asked. */
  readonly probe: ProbeConnection | undefined;
}

/** Never rejects; everything is bounded by `timeoutMs`. */
export async function inspect(database: ResolvedDatabase, timeoutMs: number): Promise<Inspected> {
  const findings: Finding[] = [];
  const driver = createDriver(database);
  const tls = tlsTargetOf(database);
  const certificate = tls === undefined ? undefined : await inspectTls(tls, timeoutMs);
  const daysLeft = certificate?.daysLeft;
  const report = {
    ...{ id: database.id, address: driver.address, topology: database.topology },
    ...{ weight: database.weight, findings, certificateDaysLeft: daysLeft ?? null },
  };
  const none = { reachable: false, latencyMs: null, version: null, role: null };

  const beganAt = systemClock.now();
  let probe: ProbeConnection;
  try {
    probe = await open(driver, timeoutMs);
  } catch (error) {
    findings.push(connectFinding(error, tls !== undefined));
    if (daysLeft !== undefined && daysLeft < 0) findings.push(certificateFinding(daysLeft, ''));
    return {
      database,
      report: { ...report, ...none },
      info: new Map(),
      clock: undefined,
      probe: undefined,
    };
  }
  const connectMs = systemClock.now() - beganAt;
  try {
    const latencyMs = await ping(probe, timeoutMs);
    findings.push(
      finding(
        'ok',
        'reachable',
        `connected in ${duration(connectMs)}, PING ${duration(latencyMs)}`,
      ),
    );
    if (certificate?.protocol !== undefined && daysLeft !== undefined) {
      findings.push(certificateFinding(daysLeft, certificate.protocol));
    }
    if (tls?.isUnverified)
      findings.push(
        finding('warning', 'tls', 'any certificate is accepted (rejectUnauthorized is false)'),
      );
    const info = await infoOf(probe, timeoutMs, findings);
    findings.push(...serverFindings(info, database.topology));
    const clock = await clockOf(database.id, probe, timeoutMs);
    const version = info.get('valkey_version') ?? info.get('redis_version') ?? null;
    const role = info.get('role') ?? null;
    const reached = { reachable: true, latencyMs, version, role };
    return { database, report: { ...report, ...reached }, info, clock, probe };
  } catch (error) {
    // Connected, and then PING got an error reply, or none.
    findings.push(connectFinding(error, tls !== undefined));
    probe.destroy();
    return {
      database,
      report: { ...report, ...none },
      info: new Map(),
      clock: undefined,
      probe: undefined,
    };
  }
}

async function ping(probe: ProbeConnection, timeoutMs: number): Promise<number> {
  const took: number[] = [];
  for (let round = 0; round < PINGS; round++) {
    const beganAt = systemClock.now();
    await ask(probe, ['PING'], timeoutMs);
    took.push(systemClock.now() - beganAt);
  }
  took.sort((a, b) => a - b);
  return Math.round((percentile(took, 0.5) ?? 0) * 1000) / 1000;
}

async function infoOf(
  probe: ProbeConnection,
  timeoutMs: number,
  findings: Finding[],
): Promise<Info> {
  try {
    return parseInfo(String(await ask(probe, ['INFO'], timeoutMs)));
  } catch (error) {
    const text = `INFO can't be asked: ${(error as Error).message}`;
    findings.push(finding('skipped', 'server', text));
    return new Map();
  }
}

/** The server's clock at the middle of the way there and back. */
async function clockOf(
  id: string,
  probe: ProbeConnection,
  timeoutMs: number,
): Promise<ClockReading | undefined> {
  try {
    const sentAt = systemClock.now();
    const reply = (await ask(probe, ['TIME'], timeoutMs)) as readonly unknown[];
    const tookMs = systemClock.now() - sentAt;
    const [seconds, micros] = reply.map(Number);
    const theirs = (seconds ?? Number.NaN) * 1000 + (micros ?? Number.NaN) / 1000;
    const offsetMs = theirs - (systemClock.wallTime() - tookMs / 2);
    // The wall clock of this machine counts whole milliseconds.
    return Number.isFinite(offsetMs) ? { id, offsetMs, uncertaintyMs: tookMs / 2 + 1 } : undefined;
  } catch {
    return undefined;
  }
}
