// GETs a second of every client as bars, into docs/images/throughput.svg.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CONTESTANTS } from './contestants.mjs';

const file = path.resolve(import.meta.dirname, '../../docs/images/throughput.svg');
const [WIDTH, LEFT, RIGHT, BAR, GAP, HEAD] = [930, 400, 110, 20, 8, 34];
const SHOWN = [
  'ceiling',
  'multidb-6',
  'multidb-ioredis-6',
  'plain-6-no-timeout',
  'ioredis-6-auto',
  'ioredis-6',
  'iovalkey',
  'glide',
  'plain-6',
  'cockatiel',
  'opossum',
];
const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.head { font-weight: 600 }
.quiet { fill: #59636e }
rect { fill: #8c959f }
rect.ours { fill: #c6302b }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .quiet { fill: #9198a1 }
  rect { fill: #656c76 }
  rect.ours { fill: #ff6b63 }
}`;

/** @param {any} report */
export function plot({ results, machine }) {
  const rows = [];
  let y = 16;
  for (const callers of [50, 1000]) {
    const of = results.filter(
      (/** @type {any} */ r) => r.workload === 'GET 32 B' && r.callers === callers,
    );
    if (of.length === 0) continue;
    const most = Math.max(...of.map((/** @type {any} */ r) => r.perSecond));
    rows.push(
      `<text class="head" x="0" y="${y}">GETs a second, ${callers} callers on one client</text>`,
    );
    y += HEAD - 16;
    for (const name of SHOWN) {
      const r = of.find((/** @type {any} */ each) => each.name === name);
      if (r === undefined) continue;
      const width = (r.perSecond / most) * (WIDTH - LEFT - RIGHT);
      const label = (CONTESTANTS[name]?.title ?? name).replaceAll(/[*`]/g, '');
      const value = `${Math.round(r.perSecond / 1000)} 000`;
      const share = Number.isFinite(r.ofCeiling) ? ` · ${r.ofCeiling.toFixed(2)}` : '';
      rows.push(
        `<text x="${LEFT - 10}" y="${y + 15}" text-anchor="end">${label}</text>`,
        `<rect class="${name.startsWith('multidb') ? 'ours' : 'other'}" x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`,
        `<text class="quiet" x="${(LEFT + width + 8).toFixed(1)}" y="${y + 15}">${value}${share}</text>`,
      );
      y += BAR + GAP;
    }
    y += HEAD;
  }
  rows.push(
    `<text class="quiet" x="0" y="${y - 8}">${machine.cpu}; Node.js ${machine.node}; after the dot the share of the first bar</text>`,
  );
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 4}" width="${WIDTH}" role="img" ` +
    `aria-label="Throughput of redis-multidb beside other clients"><style>${STYLE}</style>\n${rows.join('\n')}\n</svg>\n`;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, svg);
}
