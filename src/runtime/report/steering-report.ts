import type { ScheduledSteering } from '../../core/steering/obedience.js';
import type { Coordinator } from '../failover/coordinator.js';
import { summaryOf } from '../failover/steering.js';
import { isTrouble, type SteeringSourceReport } from '../failover/steering-sources.js';

/** One steering document, as this client obeys it. */
export interface SteeringSummary {
  /** The version of the document. */
  readonly version: number;
  /** Who published it. */
  readonly by: string;
  /** Why. */
  readonly reason: string;
  /** What it asks for, in words. */
  readonly asks: string;
  /** The name of the source that delivered it. */
  readonly source: string;
  /** When this client begins to obey, or began. */
  readonly obeyedAt: Date;
  /** When this client ceases to obey; undefined: when a newer document replaces it. */
  readonly until: Date | undefined;
}

/** Steering, as this client sees it. */
export interface SteeringExplanation {
  /** The option `instanceId`. */
  readonly instanceId: string;
  /** The place of this client in a spread, from 0 to 1. */
  readonly place: number;
  /** The document that is obeyed; undefined without one. */
  readonly obeyed: SteeringSummary | undefined;
  /** A newer document, which is obeyed later; undefined without one. */
  readonly next: SteeringSummary | undefined;
  /** A document that is no longer obeyed because errors rose after the move. */
  readonly stopped: { readonly version: number; readonly why: string } | undefined;
  /** Databases that the newest document names and this client does not have. */
  readonly unknownDatabases: readonly string[];
  /** What the latest reading of each source found. */
  readonly sources: readonly SteeringSourceReport[];
}

/** Undefined if steering is off. */
export function explainSteering(coordinator: Coordinator): SteeringExplanation | undefined {
  const { steering, runtime } = coordinator;
  if (!steering.isOn) return undefined;
  const summary = (scheduled: ScheduledSteering): SteeringSummary =>
    Object.freeze(summaryOf(runtime, scheduled));
  const { obeyed, next, stopped } = steering;
  return Object.freeze({
    instanceId: runtime.options.instanceId,
    place: steering.place,
    obeyed: obeyed && summary(obeyed),
    next: next && summary(next),
    stopped: stopped && { version: stopped.scheduled.steering.version, why: stopped.why },
    unknownDatabases: steering.unknownIds,
    sources: steering.sources.reports(),
  });
}

/** The same as lines of text; empty if steering is off. */
export function steeringLines(explanation: SteeringExplanation | undefined): string[] {
  if (explanation === undefined) return [];
  const { place, obeyed, next, stopped, unknownDatabases, sources } = explanation;
  const lines = [
    `steering: ${obeyed === undefined ? 'nothing is obeyed' : described(obeyed)} (place ${place.toFixed(3)})`,
  ];
  if (obeyed?.until !== undefined) lines.push(`  ends here at ${obeyed.until.toISOString()}`);
  if (next !== undefined) {
    lines.push(`  ${described(next)} is obeyed here from ${next.obeyedAt.toISOString()}`);
  }
  if (stopped !== undefined) lines.push(`  version ${stopped.version} was stopped: ${stopped.why}`);
  if (unknownDatabases.length > 0) {
    lines.push(`  names databases that this client does not have: ${unknownDatabases.join(', ')}`);
  }
  for (const report of sources) {
    const { source, state, cause } = report;
    if (isTrouble(report)) lines.push(`  source ${source}: ${state} (${cause})`);
  }
  return lines;
}

function described({ version, by, reason, asks }: SteeringSummary): string {
  return `version ${version} by ${by} (${reason}): ${asks}`;
}
