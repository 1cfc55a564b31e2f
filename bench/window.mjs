// What one outcome costs in the sliding windows: `npm run bench:window`, which runs this through tsx.
// A million outcomes a second is more than one process can send.

import { CountWindow, TimeWindow } from '../src/core/sliding-window.js';
import { median } from './statistics.mjs';

const OUTCOMES = 1_000_000;

/** @param {InstanceType<typeof TimeWindow> | InstanceType<typeof CountWindow>} window */
function nanosecondsOfOne(window) {
  const begun = process.hrtime.bigint();
  for (let index = 0; index < OUTCOMES; index += 1) window.record(index % 16 === 0, index / 1000);
  const total = window.total(OUTCOMES / 1000);
  if (total === 0) throw new Error('nothing was counted');
  return Number(process.hrtime.bigint() - begun) / OUTCOMES;
}

for (const [name, make] of /** @type {const} */ ([
  ['time, 2000 ms', () => new TimeWindow(2000)],
  ['time, one hour', () => new TimeWindow(3_600_000)],
  ['count, 100', () => new CountWindow(100)],
  ['count, 1 000 000', () => new CountWindow(1_000_000)],
])) {
  const before = process.memoryUsage();
  const window = make();
  const { arrayBuffers } = process.memoryUsage();
  const runs = Array.from({ length: 9 }, () => nanosecondsOfOne(window));
  const bytes = arrayBuffers - before.arrayBuffers;
  console.log(
    `${name.padEnd(18)} ${median(runs).toFixed(1)} ns an outcome, ${bytes} bytes of counters`,
  );
}
