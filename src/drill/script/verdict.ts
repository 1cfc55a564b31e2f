import type { Audit, Finding } from '../load/audit.js';
import { count, counted, duration, errorList, moment, name, total } from '../report/format.js';
import type { PromiseVerdict, StepResult, SwitchRecord } from '../report/model.js';
import type { Step } from './step.js';

/** A step that was run to its end, with what the client did in it. */
export interface JudgedStep {
  readonly step: Step<never>;
  readonly result: StepResult;
  readonly switches: readonly SwitchRecord[];
}

export interface Evidence {
  readonly steps: readonly JudgedStep[];
  /** Steps of the script, run or not. */
  readonly planned: number;
  readonly switches: readonly SwitchRecord[];
  readonly gracePeriodMs: number;
  readonly reads: number;
  readonly writes: number;
  readonly acknowledged: number;
  /** Commands that never settled. */
  readonly hanging: number;
  readonly maxLatencyMs: number;
  /** Replies that name their database; undefined where they can't. */
  readonly routed: number | undefined;
  readonly misrouted: readonly string[];
  /** Undefined: nothing in the script takes all databases down. */
  readonly failedWhileDown: number | undefined;
  readonly waitedWhileDown: number;
  readonly wrongWhileDown: readonly string[];
  /** Undefined: the servers could not be read. */
  readonly audit: Audit | undefined;
  /** The kinds of resources that were checked for `leftovers`. */
  readonly looked: string;
  /** Processes, sockets, rejections that nobody handled. */
  readonly leftovers: readonly string[];
  /** The reason for an early end of the script. */
  readonly failure: string | undefined;
}

/** Every promise with its verdict, in the order in which they are shown. */
export function judge(evidence: Evidence): PromiseVerdict[] {
  const { steps, audit } = evidence;
  const unread = audit === undefined ? ['the servers could not be read'] : [];
  const texts = (findings: readonly Finding[] | undefined) =>
    findings === undefined ? unread : findings.map(({ text }) => text);
  const returns = steps.filter(({ step }) => step.afterGrace);
  const planned = steps.filter(({ step }) => step.planned);
  return [
    {
      promise: 'A read fails only while all databases are down',
      evidence: counted(evidence.reads, 'read'),
      violations: steps.flatMap(({ result }) => readerViolations(result)),
    },
    {
      promise: 'No write is executed twice',
      evidence: `${counted(evidence.writes, 'write')}, each with a token of its own`,
      violations: [...texts(audit?.executedTwice), ...(audit?.foreign ?? [])],
    },
    {
      promise: 'No acknowledged write is missing',
      evidence: `${count(evidence.acknowledged)} acknowledged, read back from the servers`,
      violations: texts(audit?.missing),
    },
    {
      promise: 'An error that says "not executed" is true',
      evidence: `${counted(audit?.executed ?? 0, 'execution')} found on the servers`,
      violations: texts(audit?.denied),
    },
    {
      promise: 'Every command settles',
      evidence: `${counted(evidence.reads + evidence.writes, 'command')}, the slowest success took ${duration(evidence.maxLatencyMs)}`,
      violations: evidence.hanging > 0 ? [`${count(evidence.hanging)} never settled`] : [],
    },
    {
      promise: 'Each switch goes to the right database, for the right reason',
      evidence: `${counted(evidence.switches.length, 'switch', 'switches')} in ${steps.length} of ${counted(evidence.planned, 'step')}`,
      violations: [...rehearsalFailure(evidence), ...steps.flatMap(switchViolations)],
    },
    ...routing(evidence),
    {
      promise: 'A failed database is not used before its grace period ends',
      evidence: `${counted(returns.length, 'return')} after ${moment(evidence.gracePeriodMs)} or more`,
      violations: steps.flatMap((judged) => graceViolations(judged, evidence)),
    },
    {
      promise: 'A switch away from a healthy database causes no error',
      evidence: `${counted(planned.length, 'planned switch', 'planned switches')}, readers and writers`,
      violations: steps.flatMap(plannedViolations),
    },
    ...whileDown(evidence),
    {
      promise: 'Nothing is left behind',
      evidence: evidence.looked,
      violations: [...evidence.leftovers],
    },
  ];
}

function routing({ routed, misrouted }: Evidence): PromiseVerdict[] {
  if (routed === undefined) return [];
  return [
    {
      promise: 'Commands only go to the active database',
      evidence: `${counted(routed, 'reply', 'replies')} that ${routed === 1 ? 'names its' : 'name their'} server`,
      violations: summed(misrouted),
    },
  ];
}

function whileDown(evidence: Evidence): PromiseVerdict[] {
  const { failedWhileDown } = evidence;
  if (failedWhileDown === undefined) return [];
  return [
    {
      promise: 'While all are down, commands fail at once with the typed error',
      evidence: `${counted(failedWhileDown, 'command')} failed in the same turn of the event loop`,
      violations: downViolations(evidence),
    },
  ];
}

function readerViolations({ title, readerErrors }: StepResult): string[] {
  const all = errorList(readerErrors);
  return all === '' ? [] : [`${title}: readers saw ${all}`];
}

function switchViolations({ step, switches }: JudgedStep): string[] {
  const last = switches.at(-1);
  if (step.stays) {
    return switches.map(({ to, reason }) => `${step.title}: a switch to ${name(to)} (${reason})`);
  }
  if (last === undefined) return [`${step.title}: no switch`];
  const found = switches
    .slice(0, -1)
    .filter(({ to }) => !step.mayPass?.includes(to))
    .map(({ to, reason }) => `${step.title}: a switch to ${name(to)} (${reason})`);
  if (last.to !== step.expected) {
    found.push(`${step.title}: ended on ${name(last.to)} instead of ${name(step.expected)}`);
  } else if (!step.reasons.includes(last.reason)) {
    found.push(`${step.title}: the reason is ${last.reason}, not ${step.reasons.join(' or ')}`);
  }
  return found;
}

/** The two clocks are read one after the other. */
const CLOCK_TOLERANCE_MS = 5;

function graceViolations(
  { step, switches }: JudgedStep,
  { switches: all, gracePeriodMs }: Evidence,
) {
  const back = switches.find(({ to }) => to === step.expected);
  if (!step.afterGrace || back === undefined) return [];
  const left = all.filter(({ from, at }) => from === step.expected && at < back.at).at(-1);
  if (left === undefined) return [`${step.title}: ${step.expected} was never left`];
  const waited = back.at - left.at;
  if (waited >= gracePeriodMs - CLOCK_TOLERANCE_MS) return [];
  return [`${step.title}: ${step.expected} was used again after ${duration(waited)}`];
}

function plannedViolations({ step, result }: JudgedStep): string[] {
  const errors = total(result.writerErrors) + total(result.readerErrors);
  return step.planned && errors > 0 ? [`${step.title}: ${counted(errors, 'error')}`] : [];
}

function downViolations(evidence: Evidence): string[] {
  const found = summed(evidence.wrongWhileDown);
  if (evidence.waitedWhileDown > 0) {
    found.push(`${counted(evidence.waitedWhileDown, 'command')} waited`);
  }
  if (evidence.failedWhileDown === 0) found.push('no command failed while all were down');
  return found;
}

function rehearsalFailure({ failure }: Evidence): string[] {
  return failure === undefined ? [] : [failure];
}

/** Merges equal texts into one, with their number. */
function summed(texts: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, times]) =>
    times === 1 ? text : `${text} (${count(times)} times)`,
  );
}
