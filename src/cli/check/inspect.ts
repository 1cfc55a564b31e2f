/** Inspects one database over a separate connection, opened like that of the client. */
import { cleanText } from '../../clean-text.js';
import { systemClock } from '../../clock.js';
import { percentile } from '../../drill/load/series.js';
import { duration } from '../../drill/report/format.js';
import { ask, open } from '../../drill/wire/direct.js';
import type { ProbeConnection } from '../../drivers/driver.js';
import { createDriver } from '../../drivers/node-redis/create-driver.js';
import type { ResolvedDatabase } from '../../options/types.js';
import { connectFinding } from './causes.js';
import { inspectDeployment } from './deployment.js';
import type { Deployment } from './deployment-view.js';
import { type DatabaseReport, type Finding, finding } from './report.js';
import {
  type ClockReading,
  certificateFinding,
  type Info,
  parseInfo,
  poolFinding,
  serverFindings,
  versionOf,
} from './server-rules.js';
import { inspectTls, tlsTargetOf, unverifiedTls } from './tls.js';
import { masked } from './visit.js';

const PINGS = 7;

export interface Inspected {
  readonly database: ResolvedDatabase;
  readonly report: DatabaseReport;
  /** Run ids (run_id) of the servers of the database. */
  readonly runIds: readonly string[];
  readonly clock: ClockReading | undefined;
  /** Undefined if the database could not be reached. The caller must destroy it. */
  readonly probe: ProbeConnection | undefined;
}

/** Never rejects; takes a few `timeoutMs` at most. */
export async function inspect(database: ResolvedDatabase, timeoutMs: number): Promise<Inspected> {
  const driver = createDriver(database);
  const tls = tlsTargetOf(database.client);
  const [deployment, certificate] = await Promise.all([
    inspectDeployment(database, timeoutMs),
    tls !== undefined && hasAddress(database) ? inspectTls(tls, timeoutMs) : undefined,
  ]);
  const daysLeft = certificate?.daysLeft ?? deployment?.certificateDaysLeft;
  const findings: Finding[] = [];
  const report = {
    id: database.id,
    address: driver.address,
    topology: database.topology,
    weight: database.weight,
    findings,
    certificateDaysLeft: daysLeft ?? null,
  };
  let probe: ProbeConnection | undefined;
  try {
    const beganAt = systemClock.now();
    probe = await open(driver, timeoutMs);
    const connectMs = systemClock.now() - beganAt;
    const pingMs = await ping(probe, timeoutMs);
    const text = `connected in ${duration(connectMs)}, PING ${duration(pingMs)}`;
    findings.push(finding('ok', 'reachable', text), ...(deployment?.findings ?? []));
    if (certificate?.protocol !== undefined && daysLeft !== undefined) {
      findings.push(certificateFinding(daysLeft, certificate.protocol));
    }
    const unverified = unverifiedTls(database);
    if (unverified !== undefined)
      findings.push(finding('warning', 'tls', `any certificate is accepted (${unverified})`));
    const info = await infoOf(probe, timeoutMs, findings);
    findings.push(...serverFindingsOf(database, info));
    const clock = await clockOf(database.id, probe, timeoutMs);
    // A PING to a cluster sends one to each node and more.
    const latencyMs = rounded(deployment?.latencyMs ?? pingMs);
    const role = cleanText(info.get('role') ?? '', 100) || null;
    const reached = {
      reachable: true,
      latencyMs,
      version: cleanText(versionOf(info) ?? '', 100) || null,
      role,
    };
    const runId = info.get('run_id');
    const runIds = deployment?.runIds ?? (runId === undefined ? [] : [runId]);
    return { database, report: { ...report, ...reached }, runIds, clock, probe };
  } catch (error) {
    // Either the connection failed, or PING got an error reply or none.
    probe?.destroy();
    findings.push(...failureFindings(error, deployment));
    if (daysLeft !== undefined && daysLeft < 0) findings.push(certificateFinding(daysLeft, ''));
    const none = { reachable: false, latencyMs: null, version: null, role: null };
    const runIds = deployment?.runIds ?? [];
    return {
      database,
      report: { ...report, ...none },
      runIds,
      clock: undefined,
      probe: undefined,
    };
  }
}

/** In the other topologies `client` contains no address. */
function hasAddress({ topology }: ResolvedDatabase): boolean {
  return topology === 'client' || topology === 'pool';
}

/** The client's error as findings, unless the findings about its servers are more detailed. */
function failureFindings(error: unknown, deployment: Deployment | undefined) {
  const told = deployment?.findings ?? [];
  if (told.some(({ level }) => level === 'problem')) return told;
  const found = connectFinding(error);
  // If the Sentinels are healthy, the failure is the master's.
  const who = deployment?.named === undefined ? '' : `the master ${deployment.named}: `;
  return [...told, { ...found, text: `${who}${found.text}` }];
}

function serverFindingsOf(database: ResolvedDatabase, info: Info): Finding[] {
  const all = serverFindings(info, database.topology);
  switch (database.topology) {
    case 'cluster':
      // The nodes are checked one by one: this is the one that happened to answer.
      return all.filter(({ check }) => check === 'server');
    case 'pool': {
      const pool = poolFinding(info, database.pool.maximum);
      return pool === undefined ? all : [...all, pool];
    }
    default:
      return all;
  }
}

const rounded = (ms: number) => Math.round(ms * 1000) / 1000;

async function ping(probe: ProbeConnection, timeoutMs: number): Promise<number> {
  const took: number[] = [];
  for (let round = 0; round < PINGS; round++) {
    const beganAt = systemClock.now();
    await ask(probe, ['PING'], timeoutMs);
    took.push(systemClock.now() - beganAt);
  }
  took.sort((a, b) => a - b);
  return percentile(took, 0.5) ?? 0;
}

async function infoOf(
  probe: ProbeConnection,
  timeoutMs: number,
  findings: Finding[],
): Promise<Info> {
  try {
    return parseInfo(String(masked(await ask(probe, ['INFO'], timeoutMs))));
  } catch (error) {
    const text = `INFO failed: ${(error as Error).message}`;
    findings.push(finding('skipped', 'server', text));
    return new Map();
  }
}

/** Compares the server's clock with the middle of the round trip. */
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
