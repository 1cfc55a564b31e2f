/**
 * The timeline: the active database, the outcomes of callers, and the faults over one time axis.
 */

import { count, counted, duration, moment, name, total } from './format.js';
import { html, type Markup, NOTHING } from './html.js';
import type { OutageKind, RunResult, Sample } from './model.js';
import { activeSpans, type Span } from './spans.js';
import { wordsOf } from './words.js';

const WIDTH = 1080;
const LEFT = 84;
const RIGHT = 12;
const ROW = 22;
const LANES_TOP = 62;
/** Middle of the numbers of faults; those that would overlap are raised. */
const NUMBERS = { radius: 12, low: 40, raised: 14 };
/** Colours of databases; they begin again after the last. */
export const COLOURS = 6;
const TICK_STEPS_MS = [1000, 5000, 10_000, 30_000, 60_000];

interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly top: number;
  readonly height: number;
}

interface Scale {
  /** Time to x. */
  x(at: number): number;
  readonly endsAt: number;
}

/** Description of a database's fault, shown after its name. */
export const OUTAGE_TEXT: Readonly<Record<OutageKind, string>> = {
  down: 'is down',
  frozen: 'is silent',
  slow: 'answers late',
  lossy: 'loses connections',
  'read-only': 'accepts no writes',
};

export function timeline(result: RunResult): Markup {
  const endsAt = Math.max(1000, result.durationMs);
  const x = (at: number) => round(LEFT + (Math.min(at, endsAt) / endsAt) * (WIDTH - LEFT - RIGHT));
  const scale: Scale = { x, endsAt };
  const lanesEnd = LANES_TOP + result.databases.length * ROW;
  const throughput = panel('Throughput', `${wordsOf(result.texts).replies}/s`, lanesEnd + 34, 92);
  const latency = panel('Latency', 'p50, p99', throughput.top + throughput.height + 40, 92);
  const errors = panel('Errors', 'per second', latency.top + latency.height + 40, 92);
  const bottom = errors.top + errors.height;
  const height = bottom + 30;
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="timeline-title timeline-text">
<title id="timeline-title">Timeline of the run</title>
<desc id="timeline-text">${description(result)}</desc>
<defs><pattern id="ice" width="5" height="6" patternUnits="userSpaceOnUse"><line class="ice" x1="1" y1="0" x2="1" y2="6"/></pattern><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>
${axis(scale, LANES_TOP, bottom)}
${outageBands(result, scale, bottom)}
${lanes(result, scale)}
${throughputPanel(throughput, result, scale)}
${latencyPanel(latency, result, scale)}
${errorPanel(errors, result, scale)}
${faults(result, scale, bottom)}
</svg>`;
}

function panel(title: string, unit: string, top: number, height: number): Panel {
  return { title, unit, top, height };
}

function description({ switches }: RunResult): string {
  return switches
    .map(({ at, from, to, reason }) => `${moment(at)}: ${name(from)} to ${name(to)}, ${reason}`)
    .join('; ');
}

function axis({ x, endsAt }: Scale, top: number, bottom: number): Markup[] {
  const marks: Markup[] = [];
  const stepMs = TICK_STEPS_MS.find((step) => endsAt / step <= 16) ?? 300_000;
  for (let at = 0; at <= endsAt; at += stepMs) {
    marks.push(html`<line class="grid" x1="${x(at)}" x2="${x(at)}" y1="${top}" y2="${bottom}"/>
<text class="tick" x="${x(at)}" y="${bottom + 18}" text-anchor="middle">${at / 1000} s</text>`);
  }
  return marks;
}

/** Bands across all panels where no database was active. */
function outageBands(result: RunResult, scale: Scale, bottom: number): Markup[] {
  return spansOf(result, scale)
    .filter(({ id }) => id === undefined)
    .map(
      ({ from, to }) =>
        html`<rect class="outage" x="${scale.x(from)}" y="${LANES_TOP}" width="${between(scale, from, to)}" height="${bottom - LANES_TOP}"><title>No database can serve: ${moment(from)} to ${moment(to)}</title></rect>`,
    );
}

function lanes(result: RunResult, scale: Scale): Markup[] {
  const spans = spansOf(result, scale);
  return result.databases.map(({ id }, index) => {
    const y = LANES_TOP + index * ROW + 3;
    const height = ROW - 6;
    const down = result.outages
      .filter((outage) => outage.id === id)
      .map(
        ({ kind, from, to }) =>
          html`<rect class="${kind}" x="${scale.x(from)}" y="${y}" width="${between(scale, from, to)}" height="${height}"><title>${id} ${OUTAGE_TEXT[kind]}: ${moment(from)} to ${moment(to)}</title></rect>`,
      );
    const active = spans
      .filter((span) => span.id === id)
      .map(
        ({ from, to }) =>
          html`<rect class="active c${index % COLOURS}" x="${scale.x(from)}" y="${y}" width="${between(scale, from, to)}" height="${height}" rx="3"><title>${id} is active: ${moment(from)} to ${moment(to)}</title></rect>`,
      );
    return html`<text class="label" x="${LEFT - 12}" y="${y + height - 4}" text-anchor="end">${id}</text>
<rect class="lane" x="${LEFT}" y="${y}" width="${WIDTH - LEFT - RIGHT}" height="${height}" rx="3"/>
${active}
${down}`;
  });
}

function throughputPanel(at: Panel, result: RunResult, scale: Scale): Markup {
  const { samples, sampleMs, databases } = result;
  const rate = ({ succeeded }: Sample) => (succeeded * 1000) / sampleMs;
  const most = niceCeiling(Math.max(1, ...samples.map(rate)));
  const y = (value: number) => round(at.top + at.height * (1 - value / most));
  const points = samples.map((sample) => [scale.x(sample.at + sampleMs / 2), y(rate(sample))]);
  const first = points[0]?.[0] ?? LEFT;
  const last = points.at(-1)?.[0] ?? LEFT;
  const line = points.map(([px, py]) => `${px},${py}`).join(' ');
  const base = at.top + at.height;
  const shape = `${first},${base} ${line} ${last},${base}`;
  const colour = (id: string | undefined) =>
    databases.findIndex((database) => database.id === id) % COLOURS;
  // One shape, shown through a window for each time in which one database was active.
  const parts = spansOf(result, scale)
    .filter(({ id }) => id !== undefined)
    .map(({ id, from, to }, index) => {
      const clip = `active-${index}`;
      return html`<clipPath id="${clip}"><rect x="${scale.x(from)}" y="${at.top - 4}" width="${between(scale, from, to)}" height="${at.height + 4}"/></clipPath>
<g clip-path="url(#${clip})"><polygon class="area c${colour(id)}" points="${shape}"/><polyline class="line c${colour(id)}" points="${line}"/></g>`;
    });
  const ticks = [0, most / 2, most].map((value) => [y(value), count(value)] as const);
  return html`${frame(at, ticks)}
${parts}
${hover(samples, sampleMs, scale, at, (sample) => `${moment(sample.at)}: ${count(rate(sample))} ${wordsOf(result.texts).replies}/s`)}`;
}

const LATENCY_TICKS = [0.1, 1, 10, 100, 1000, 10_000];

function latencyPanel(at: Panel, { samples, sampleMs }: RunResult, scale: Scale): Markup {
  const highest = Math.max(10, ...samples.map(({ p99Ms }) => p99Ms ?? 0));
  const top = LATENCY_TICKS.find((tick) => tick >= highest) ?? highest;
  const y = (ms: number) => round(at.top + at.height * (1 - logShare(ms, 0.1, top)));
  const line = (pick: (sample: Sample) => number | undefined) =>
    runs(samples, pick).map((run) =>
      run.map(({ sample, value }) => `${scale.x(sample.at + sampleMs / 2)},${y(value)}`).join(' '),
    );
  const draw = (lines: readonly string[], style: string) =>
    lines.map((points) => html`<polyline class="line ${style}" points="${points}"/>`);
  const ticks = LATENCY_TICKS.filter((tick) => tick <= top).map(
    (tick) => [y(tick), tick < 1000 ? `${tick} ms` : `${tick / 1000} s`] as const,
  );
  const text = ({ at: time, p50Ms, p99Ms }: Sample) =>
    `${moment(time)}: p50 ${duration(p50Ms)}, p99 ${duration(p99Ms)}`;
  return html`${frame(at, ticks)}
${draw(
  line(({ p99Ms }) => p99Ms),
  'p99',
)}
${draw(
  line(({ p50Ms }) => p50Ms),
  'p50',
)}
${hover(samples, sampleMs, scale, at, text)}`;
}

const KINDS = [
  ['unavailable', 'unavailable'],
  ['writerErrors', 'writer'],
  ['readerErrors', 'reader'],
] as const;

function errorPanel(at: Panel, { samples, sampleMs, texts }: RunResult, scale: Scale): Markup {
  const who = wordsOf(texts);
  const rate = (value: number) => (value * 1000) / sampleMs;
  const top = 10_000;
  const y = (value: number) => round(at.top + at.height * (1 - logShare(value, 1, top)));
  const barWidth = Math.max(1, round(between(scale, 0, sampleMs) - 0.6));
  const bars = samples.flatMap((sample) =>
    KINDS.flatMap(([kind, style]) => {
      const value = rate(sample[kind]);
      if (value === 0) return [];
      const text = `${moment(sample.at)}: ${count(sample[kind])} ${who[kind]}`;
      return [
        html`<rect class="bar ${style}" x="${scale.x(sample.at)}" y="${y(value)}" width="${barWidth}" height="${round(at.top + at.height - y(value))}"><title>${text}</title></rect>`,
      ];
    }),
  );
  const ticks = [1, 10, 100, 1000, 10_000].map((value) => [y(value), count(value)] as const);
  return html`${frame(at, ticks)}
${bars}`;
}

/** A number above each fault, and a line through all panels. */
function faults({ steps }: RunResult, { x }: Scale, bottom: number): Markup[] {
  let lastLow = Number.NEGATIVE_INFINITY;
  return steps.map((step, index) => {
    const at = x(step.beganAt);
    const isLow = at - lastLow >= 2 * NUMBERS.radius + 1;
    if (isLow) lastLow = at;
    const middle = isLow ? NUMBERS.low : NUMBERS.raised;
    const took = duration(step.servedAfterMs);
    const errors = total(step.readerErrors) + total(step.writerErrors);
    const text = `${index + 1}. ${step.title} (${moment(step.beganAt)}): ${name(step.expected)} after ${took}, ${counted(errors, 'error')}`;
    return html`<g class="fault"><title>${text}</title>
<line x1="${at}" x2="${at}" y1="${middle + NUMBERS.radius}" y2="${bottom}"/>
<circle cx="${at}" cy="${middle}" r="${NUMBERS.radius}"/>
<text x="${at}" y="${middle + 4.5}" text-anchor="middle">${index + 1}</text></g>`;
  });
}

function frame(at: Panel, ticks: readonly (readonly [number, string])[]): Markup {
  const lines = ticks.map(
    ([y, text]) => html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/>
<text class="tick" x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${text}</text>`,
  );
  return html`<text class="panel" x="${LEFT}" y="${at.top - 10}">${at.title} <tspan class="tick">${at.unit}</tspan></text>
${lines}`;
}

/** Invisible columns that tell their numbers to the mouse. */
function hover(
  samples: readonly Sample[],
  sampleMs: number,
  scale: Scale,
  at: Panel,
  text: (sample: Sample) => string,
): Markup {
  const columns = samples.map(
    (sample) =>
      html`<rect x="${scale.x(sample.at)}" y="${at.top}" width="${between(scale, sample.at, sample.at + sampleMs)}" height="${at.height}"><title>${text(sample)}</title></rect>`,
  );
  return columns.length === 0 ? NOTHING : html`<g class="hover">${columns}</g>`;
}

function spansOf({ switches }: RunResult, { endsAt }: Scale): Span[] {
  return activeSpans(switches, endsAt);
}

/** Runs of samples that have the value; a gap stays a gap. */
function runs(samples: readonly Sample[], pick: (sample: Sample) => number | undefined) {
  const found: { sample: Sample; value: number }[][] = [];
  let run: { sample: Sample; value: number }[] | undefined;
  for (const sample of samples) {
    const value = pick(sample);
    if (value === undefined) run = undefined;
    else if (run === undefined) {
      run = [{ sample, value }];
      found.push(run);
    } else run.push({ sample, value });
  }
  return found;
}

function between({ x }: Scale, from: number, to: number): number {
  return round(Math.max(0.8, x(to) - x(from)));
}

/** 0 at `from` and below, 1 at `to`. */
function logShare(value: number, from: number, to: number): number {
  return Math.max(0, Math.log(Math.max(value, from) / from) / Math.log(to / from));
}

/** The next 1, 2, 3, 4, 5 or 8 with zeros. */
export function niceCeiling(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const steps = [1, 2, 3, 4, 5, 8, 10];
  return (steps.find((step) => step * magnitude >= value) ?? 10) * magnitude;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
