import { EAST, type Fleet, WEST } from './fleet.js';
import { BUCKET_MS } from './measurements.js';

/** When things happened in a run, in milliseconds. */
export interface Course {
  /** From here to `faultAt` nothing is wrong: what is normal. */
  readonly normalFrom: number;
  readonly faultAt: number;
  readonly faultEndsAt: number;
  /** By then everything must be normal by itself. */
  readonly settledAt: number;
  readonly endsAt: number;
}

/** What the judge found. Without findings the run is not metastable. */
export interface Verdict {
  readonly findings: readonly string[];
  /** Time from the end of the fault until requests no longer fail or queue, in milliseconds. */
  readonly recoveredAfterMs: number;
  readonly failedShare: number;
  /** Highest amplification of the work of a second, compared with normal. */
  readonly peakLoad: number;
}

/** Work in excess of normal, as a share, that counts as normal: rates are random. */
const LOAD_TOLERANCE = 0.25;
/** A queue as long as this is normal, in milliseconds. */
const QUEUE_MS = 300;
/** Share of the requests that may fail in normal service. */
const FAILED_SHARE = 0.002;
/** More unfinished requests than the callers start within this time are a backlog. */
const BACKLOG_MS = 2000;

/**
 * Whether the fleet is metastable: some time after the fault has ended, with everything as it was before,
 * requests still fail, queues are still long, the databases still have more work than the callers ask
 * for, or processes have not returned to the preferred database.
 */
export function judge(fleet: Fleet, course: Course): Verdict {
  const { measurements: m } = fleet;
  const { normalFrom, faultAt, settledAt, endsAt, faultEndsAt } = course;
  const findings: string[] = [];
  // With few processes one request is a noticeable part of a second's work.
  const { commandUnits } = fleet.settings;
  const requestMs = (commandUnits * 1000) / fleet.database(EAST).capacity.unitsPerSecond;
  const longQueueMs = Math.max(QUEUE_MS, 10 * requestMs);
  const rate = (series: Float64Array, from: number, to: number) =>
    m.sum(series, from, to) / ((to - from) / 1000);
  const work = (from: number, to: number) =>
    rate(m.of(EAST).units, from, to) + rate(m.of(WEST).units, from, to);

  const started = m.sum(m.started, settledAt, endsAt);
  const failed = m.sum(m.failed, settledAt, endsAt);
  if (failed > Math.max(1, FAILED_SHARE * started))
    findings.push(`${failed} of ${started} requests fail`);

  const normalWork = work(normalFrom, faultAt);
  const finalWork = work(settledAt, endsAt);
  const normalRate = rate(m.started, normalFrom, faultAt);
  const finalRate = rate(m.started, settledAt, endsAt);
  // What the callers ask for is random: the work per request is compared.
  const load = finalWork / finalRate / (normalWork / normalRate);
  if (load > 1 + LOAD_TOLERANCE)
    findings.push(`the work per request is ${load.toFixed(2)} times normal`);

  for (const id of [EAST, WEST]) {
    const queueMs = m.max(m.of(id).queueMs, settledAt, endsAt);
    const normalQueueMs = m.max(m.of(id).queueMs, normalFrom, faultAt);
    if (queueMs > Math.max(longQueueMs, 2 * normalQueueMs))
      findings.push(`the queue of ${id} is ${Math.round(queueMs)} ms long`);
  }

  const unfinished =
    m.sum(m.started, 0, endsAt) - m.sum(m.succeeded, 0, endsAt) - m.sum(m.failed, 0, endsAt);
  const backlog = Math.max(3, (finalRate * BACKLOG_MS) / 1000);
  if (unfinished > backlog) findings.push(`${unfinished} requests are unfinished`);

  const isFailingBack = fleet.settings.options?.failbackSupported !== false;
  const away = fleet.settings.processes - m.of(EAST).active[m.bucket(endsAt - 2 * BUCKET_MS)]!;
  if (isFailingBack && away > 0) findings.push(`${away} processes have not returned`);

  let recoveredAt = faultEndsAt;
  let peakLoad = 0;
  for (let from = faultAt; from + 1000 <= endsAt; from += 1000) {
    const to = from + 1000;
    const isLong = [EAST, WEST].some((id) => m.max(m.of(id).queueMs, from, to) > longQueueMs);
    if (to > faultEndsAt && (isLong || m.sum(m.failed, from, to) > 0)) recoveredAt = to;
    peakLoad = Math.max(peakLoad, work(from, to) / normalWork);
  }
  return {
    findings,
    recoveredAfterMs: recoveredAt - faultEndsAt,
    failedShare: m.sum(m.failed, 0, endsAt) / m.sum(m.started, 0, endsAt),
    peakLoad,
  };
}
