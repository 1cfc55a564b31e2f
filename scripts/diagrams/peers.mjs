// Time from the fault until the first successful command, of this client and of the clients of other languages, as bars on
// a logarithmic scale. The figures are those of the table in README.md ("Comparison").

import { svg, text } from './svg.mjs';

/** Milliseconds at ten commands per second; undefined: not within 45 s. */
const MEASURED = /** @type {const} */ ([
  ['Killed, default options', [31, 3126, 643, 1448]],
  ['Killed, tuned', [52, 273, 101, 319]],
  ['Frozen, default options', [1619, 3678, undefined, 5098]],
  ['Frozen, tuned', [497, 1273, 1037, 1206]],
]);
const CLIENTS = ['redis-multidb', 'Jedis 8.0.2', 'Lettuce 7.7', 'redis-py 8.1'];

const [WIDTH, LEFT, RIGHT, BAR, GAP] = [606, 118, 120, 16, 5];
const [LEAST, MOST] = [10, 45_000];

/** @param {number} ms */
const x = (ms) => LEFT + (Math.log(ms / LEAST) / Math.log(MOST / LEAST)) * (WIDTH - LEFT - RIGHT);

export function peers() {
  /** @type {string[]} */
  const shapes = [];
  let y = 8;
  for (const [title, values] of MEASURED) {
    shapes.push(text(0, y + 12, title, 'strong', 'start'));
    y += 22;
    for (const [index, ms] of values.entries()) {
      const width = x(ms ?? MOST) - LEFT;
      const kind = ms === undefined ? 'failed' : index === 0 ? 'active' : '';
      shapes.push(
        text(LEFT - 8, y + 13, CLIENTS[index] ?? '', index === 0 ? 'good' : 'quiet', 'end'),
        `<rect class="box ${kind}" x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`,
        text(
          LEFT + width + 8,
          y + 13,
          ms === undefined ? 'not within 45 s' : `${ms} ms`,
          'quiet',
          'start',
        ),
      );
      y += BAR + GAP;
    }
    y += 12;
  }
  for (const [ms, label] of /** @type {const} */ ([
    [10, '10 ms'],
    [100, '100 ms'],
    [1000, '1 s'],
    [10_000, '10 s'],
  ])) {
    shapes.unshift(`<path class="axis" d="M${x(ms).toFixed(1)},24 V${y - 6}"/>`);
    shapes.push(text(Number(x(ms).toFixed(1)), y + 10, label, 'quiet'));
  }
  const values = MEASURED.map(([title, all]) => {
    const each = all.map(
      (ms, index) => `${CLIENTS[index]} ${ms === undefined ? 'not within 45 s' : `${ms} ms`}`,
    );
    return `${title}: ${each.join(', ')}.`;
  });
  return svg({
    width: WIDTH,
    height: y + 20,
    title: 'Time until the first successful command',
    description: `Logarithmic scale. ${values.join(' ')}`,
    shapes,
  });
}
