/** What the small plot of a database shows, in units of its view box. Pure. */
import type { LatencyPoint } from '../../latency-history.js';
import type { SwitchStatus } from '../../status.js';
import { MINUTE_MS } from './format.js';

export const WIDTH = 600;
export const HEIGHT = 68;
const PADDING = 6;

type Period = readonly [from: number, to: number];

export interface Plot {
  /** Of an SVG path; interrupted where a probe failed. */
  readonly line: string;
  /** While probes failed. */
  readonly failed: readonly Stretch[];
  /** While it was active. */
  readonly served: readonly Stretch[];
  /** Latency at the top of the plot, in milliseconds; what is higher is drawn there. */
  readonly topMs: number;
}

export interface Stretch {
  readonly x: number;
  readonly width: number;
}

const NARROWEST = 3;

/** The shortest of 1, 2 and 5 minutes that holds everything, at most `longestMs`. */
export function windowFor(oldest: number | undefined, now: number, longestMs: number): number {
  const neededMs = oldest === undefined ? 0 : now - oldest;
  const windows = [MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, longestMs];
  return Math.min(windows.find((ms) => ms >= neededMs) ?? longestMs, longestMs);
}

export function plotOf(
  id: string,
  points: readonly LatencyPoint[],
  switches: readonly SwitchStatus[],
  now: number,
  windowMs: number,
): Plot {
  const start = now - windowMs;
  const x = (at: number) =>
    round(((Math.min(Math.max(at, start), now) - start) / windowMs) * WIDTH);
  const shown = points.filter(([at]) => at >= start);
  const topMs = topOf(shown.flatMap(([, ms]) => (ms === null ? [] : [ms])));
  const y = (ms: number) => {
    return round(HEIGHT - PADDING - (Math.min(ms, topMs) / topMs) * (HEIGHT - 2 * PADDING));
  };
  let line = '';
  let isDrawing = false;
  for (const [at, ms] of shown) {
    if (ms !== null) line += `${isDrawing ? 'L' : 'M'}${x(at)} ${y(ms)}`;
    // A single point is a dot: round caps make it visible.
    if (ms !== null && !isDrawing) line += 'h0';
    isDrawing = ms !== null;
  }
  const stretch = ([from, to]: Period): Stretch => ({ x: x(from), width: round(x(to) - x(from)) });
  const failed = failuresIn(shown, now).map((period) => {
    const { x: left, width } = stretch(period);
    const shownWidth = Math.max(width, NARROWEST);
    return { x: Math.min(left, WIDTH - shownWidth), width: shownWidth };
  });
  const served = periodsOf(id, switches, now)
    .filter(([, to]) => to > start)
    .map(stretch);
  return { line, failed, served, topMs };
}

/** One outlier, such as the first probe, which connects, does not flatten all the others. */
function topOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const usual = sorted[Math.floor(sorted.length * 0.9)] ?? 0;
  return niceTop(Math.min(sorted.at(-1) ?? 0, 4 * usual));
}

/** From each first failed probe until the next one that passed. */
function failuresIn(points: readonly LatencyPoint[], now: number): Period[] {
  return points.flatMap(([at, ms], index) => {
    if (ms !== null || (index > 0 && points[index - 1]?.[1] === null)) return [];
    const passed = points.slice(index).find((point) => point[1] !== null);
    return [[at, passed?.[0] ?? now] as const];
  });
}

/** When the database was active, as far as the switches tell. */
function periodsOf(id: string, switches: readonly SwitchStatus[], now: number): Period[] {
  return switches.flatMap(({ from, to, at }, index) => {
    const begin = Date.parse(at);
    const next = switches[index + 1];
    const periods: Period[] = [];
    if (index === 0 && from === id) periods.push([0, begin]);
    if (to === id) periods.push([begin, next === undefined ? now : Date.parse(next.at)]);
    return periods;
  });
}

/** The next of 1, 2, 5, 10 ... at or above `ms`, at least half a millisecond. */
export function niceTop(ms: number): number {
  const wanted = Math.max(ms, 0.5);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return ([1, 2, 5, 10].find((step) => step * power >= wanted) ?? 10) * power;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
