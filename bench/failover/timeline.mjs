// Successes around the fault, median of the runs, into docs/images/failover.svg.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { median } from '../statistics.mjs';

const file = path.resolve(import.meta.dirname, '../../docs/images/failover.svg');
const [WIDTH, LEFT, RIGHT, HEIGHT, HEAD] = [860, 200, 20, 44, 20];
const [BUCKET_MS, SHOWN_MS] = [25, 2800];
const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.quiet { fill: #59636e; font-size: 12px }
path.default { fill: #8c959f }
path.tuned { fill: none; stroke: #c6302b; stroke-width: 2 }
line { stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .quiet { fill: #9198a1 }
  path.default { fill: #656c76 }
  path.tuned { stroke: #ff6b63 }
  line { stroke: #3d444d }
}`;

/** @param {{ fault: string, rate: string, options: string, runs: any[] }[]} cells */
export function timeline(cells) {
  const rows = [];
  const x = (/** @type {number} */ ms) => LEFT + (ms / SHOWN_MS) * (WIDTH - LEFT - RIGHT);
  let y = HEAD + 10;
  rows.push(
    `<text x="0" y="14">Successful commands after the fault, at 1000 a second; grey: default options, red: tuned</text>`,
  );
  for (const fault of new Set(cells.map((cell) => cell.fault))) {
    const base = y + HEIGHT;
    rows.push(`<text x="0" y="${base - 14}">${label(fault)}</text>`);
    rows.push(`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${base}" y2="${base}"/>`);
    for (const options of ['default', 'tuned']) {
      const cell = cells.find(
        (each) => each.fault === fault && each.rate === '1000/s' && each.options === options,
      );
      if (cell === undefined) continue;
      const points = [];
      for (let at = 0; at * BUCKET_MS < SHOWN_MS; at += 1) {
        const shares = cell.runs.map((run) => (new Map(run.buckets).get(at) ?? 0) / run.usual);
        const top = base - Math.min(1, median(shares)) * (HEIGHT - 8);
        points.push(`${x(at * BUCKET_MS).toFixed(1)},${top.toFixed(1)}`);
        points.push(`${x((at + 1) * BUCKET_MS).toFixed(1)},${top.toFixed(1)}`);
      }
      const area = options === 'default' ? ` L${x(SHOWN_MS)},${base} L${LEFT},${base} Z` : '';
      rows.push(`<path class="${options}" d="M${points.join(' L')}${area}"/>`);
    }
    y = base + 14;
  }
  for (let ms = 0; ms < SHOWN_MS; ms += 500) {
    rows.push(`<text class="quiet" x="${x(ms)}" y="${y + 8}" text-anchor="middle">${ms} ms</text>`);
  }
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 16}" width="${WIDTH}" role="img" ` +
    `aria-label="Throughput around a failover"><style>${STYLE}</style>\n${rows.join('\n')}\n</svg>\n`;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, svg);
}

/** @param {string} fault */
function label(fault) {
  const [first, second] = fault.split(', ');
  return second === undefined
    ? first
    : `<tspan>${first},</tspan><tspan x="0" dy="15">${second}</tspan>`;
}
