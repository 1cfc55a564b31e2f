// Plots of docs/fleet.md, from the series that `npm run simulate:fleet:report` measured (fleet.json).

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { svg, text } from './svg.mjs';

/**
 * @typedef {{ active: number[], load: number[], connects: number[] }} Database
 * @typedef {{ processes: number, faultAt: number, faultEndsAt: number, bucketMs: number, succeeded: number[],
 *   east: Database, west: Database }} Run
 */

/** @type {Record<string, Run>} */
const RUNS = JSON.parse(readFileSync(path.join(import.meta.dirname, 'fleet.json'), 'utf8'));

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [606, 250, 46, 12, 34, 44];

/** @param {string} name */
function run(name) {
  const found = RUNS[name];
  if (found === undefined) throw new Error(`no run ${name}: npm run simulate:fleet:report`);
  return found;
}

/**
 * Lines over time. Times are in milliseconds from the fault of the first line's run.
 * @param {{ title: string, description: string, unit: string, most: number, step: number, fromMs: number, toMs: number,
 *   stepMs: number, lines: { name: string, kind: string, of: Run, values: (run: Run) => number[] }[] }} picture
 */
function plot({ title, description, unit, most, step, fromMs, toMs, stepMs, lines }) {
  const x = (/** @type {number} */ ms) =>
    LEFT + ((ms - fromMs) / (toMs - fromMs)) * (WIDTH - LEFT - RIGHT);
  const y = (/** @type {number} */ value) =>
    HEIGHT - BOTTOM - (Math.min(value, most) / most) * (HEIGHT - TOP - BOTTOM);
  /** @type {string[]} */
  const shapes = [];
  for (let value = 0; value <= most; value += step) {
    shapes.push(
      `<path class="axis" d="M${LEFT},${y(value).toFixed(1)} H${WIDTH - RIGHT}"/>`,
      text(LEFT - 6, Number((y(value) + 4).toFixed(1)), `${value}`, 'quiet', 'end'),
    );
  }
  for (let ms = Math.ceil(fromMs / stepMs) * stepMs; ms <= toMs; ms += stepMs) {
    shapes.push(text(Number(x(ms).toFixed(1)), HEIGHT - BOTTOM + 18, `${ms / 1000} s`, 'quiet'));
  }
  let legend = LEFT;
  for (const { name, kind, of, values } of lines) {
    const points = values(of).flatMap((value, index) => {
      const ms = (index + 0.5) * of.bucketMs - of.faultAt;
      return ms < fromMs || ms > toMs ? [] : [`${x(ms).toFixed(1)},${y(value).toFixed(1)}`];
    });
    shapes.push(
      `<path class="line ${kind}" d="M${points.join(' ')}"/>`,
      `<path class="line ${kind}" d="M${legend},14 h24"/>`,
      text(legend + 30, 18, name, 'quiet', 'start'),
    );
    legend += 52 + name.length * 6.4;
  }
  shapes.push(text(LEFT, HEIGHT - 6, unit, 'quiet', 'start'));
  return svg({ width: WIDTH, height: HEIGHT, title, description, shapes });
}

const share = (/** @type {'east' | 'west'} */ id) => (/** @type {Run} */ of) =>
  of[id].active.map((count) => (100 * count) / of.processes);

/** The seconds after the loss of a region, in both ways. */
const afterLoss = (/** @type {(run: Run) => number[]} */ values) => ({
  fromMs: -1000,
  toMs: 10_000,
  stepMs: 2000,
  lines: [
    { name: 'east refuses', kind: 'active', of: run('refused'), values },
    { name: 'east is silent', kind: 'failed', of: run('silent'), values },
  ],
});

export function moved() {
  return plot({
    title: 'Processes that have moved after the loss of a region',
    description:
      'When the lost database refuses, all processes have moved within 0.2 seconds. When it is silent, they move as their ' +
      'next commands or probes are not answered: half of them within about two seconds, all within about six.',
    unit: 'percent of the processes for which west is active; time since the loss of east',
    most: 100,
    step: 25,
    ...afterLoss(share('west')),
  });
}

export function load() {
  return plot({
    title: 'Load on the remaining database after the loss of a region',
    description:
      'The load on west rises from the health checks alone to the load of all callers, about half of its capacity. Reads in ' +
      'flight that are repeated, and commands that waited, make a short peak: 75 percent of the capacity within a tenth of a ' +
      'second when east refuses, 83 percent when it is silent.',
    unit: 'work that arrives at west, percent of its capacity; time since the loss of east',
    most: 100,
    step: 25,
    ...afterLoss(percent),
  });
}

const percent = (/** @type {Run} */ of) => of.west.load.map((value) => value * 100);

export function returned() {
  return plot({
    title: 'Processes that have returned after the region is back',
    description:
      'With default options the processes, which started within five seconds, return 77 to 105 seconds after the loss. With ' +
      'failbackRampMs of two minutes the return lasts until 216 seconds after the loss and is more even.',
    unit: 'percent of the processes on east; time since the loss of east, which lasts 15 s',
    most: 100,
    step: 25,
    fromMs: 0,
    toMs: 300_000,
    stepMs: 60_000,
    lines: [
      { name: 'default options', kind: 'active', of: run('return'), values: share('east') },
      { name: 'failbackRampMs 120 000', kind: 'probe', of: run('ramp'), values: share('east') },
    ],
  });
}

/** New connections per second, in percent of the processes. */
const connects = (/** @type {Run} */ of) =>
  of.west.connects.map((value) => (100 * value) / of.processes);

export function connections() {
  return plot({
    title: 'New connections to the remaining database after the loss of a region',
    description:
      'With warm standbys no connection is opened. With lazy ones every process opens one within a tenth of a second. Probes ' +
      'that wait behind them open further ones; where all connections together cost 0.5 s of the capacity, that ends within two ' +
      'seconds. Where they cost 1 s, it does not: processes give up too early and connect again, for about 15 seconds.',
    unit: 'new connections per second to west, percent of the processes; time since the loss',
    most: 1000,
    step: 250,
    fromMs: -1000,
    toMs: 15_000,
    stepMs: 2000,
    lines: [
      { name: 'lazy, all cost 1 s', kind: 'failed', of: run('lazyStorm'), values: connects },
      { name: 'lazy, 0.5 s', kind: '', of: run('lazy'), values: connects },
      { name: 'warm', kind: 'active', of: run('refused'), values: connects },
    ],
  });
}

/** Processes that do not use the database of the majority, in percent. */
const minority = (/** @type {Run} */ of) =>
  of.east.active.map(
    (count, index) =>
      (100 * (of.processes - Math.max(count, of.west.active[index] ?? 0))) / of.processes,
  );

export function disagreement() {
  return plot({
    title: 'Processes that disagree with the majority',
    description:
      'A third of the processes cannot reach east for 15 s: they leave it within 6 s and return 77 to 104 s after the fault. A ' +
      'lost steering source leaves half of the processes on each side until it returns after 20 s. A split one does the same ' +
      'until it heals, and all agree within 6 s after that.',
    unit: 'percent of the processes that disagree with the majority; time since the fault',
    most: 100,
    step: 25,
    fromMs: 0,
    toMs: 120_000,
    stepMs: 20_000,
    lines: [
      { name: 'a third cannot reach east', kind: 'active', of: run('healed'), values: minority },
      { name: 'steering lost', kind: 'failed', of: run('steeringLost'), values: minority },
      { name: 'steering split', kind: 'probe', of: run('steeringSplit'), values: minority },
    ],
  });
}

export function metastable() {
  const work = (/** @type {Run} */ of) =>
    of.east.load.map((value, index) => 100 * (value + (of.west.load[index] ?? 0)));
  return plot({
    title: 'Careful callers recover, reckless ones do not',
    description:
      'Both databases are lost for 10 s. With callers that retry twice with a backoff, the work falls back to normal. With ' +
      'callers that retry without a limit, backoff and jitter, it rises above the capacity of both databases again and again.',
    unit: 'work at both databases, percent of the capacity of one; both are lost from 0 s to 10 s',
    most: 600,
    step: 100,
    fromMs: -5000,
    toMs: 50_000,
    stepMs: 10_000,
    lines: [
      { name: 'careful callers', kind: 'active', of: run('careful'), values: work },
      { name: 'reckless callers', kind: 'failed', of: run('reckless'), values: work },
    ],
  });
}
