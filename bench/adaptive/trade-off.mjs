// False failovers against the time to leave a frozen server, as a picture.

import { svg, text } from '../../scripts/diagrams/svg.mjs';

const [WIDTH, HEIGHT] = [760, 400];
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 30, 60, 60];
const [SHORTEST_MS, LONGEST_MS] = [80, 3000];
/** False failovers per hour; 0 is drawn below the rest. */
const [FEWEST, MOST] = [0.1, 200];
/** @type {Record<number, { kind: string, label: string }>} */
const PAUSES = {
  0: { kind: 'active', label: 'no pauses' },
  200: { kind: '', label: 'pauses of 200 ms' },
  400: { kind: 'failed', label: 'pauses of 400 ms' },
};

/** @param {number} ms */
const x = (ms) => LEFT + share(ms, SHORTEST_MS, LONGEST_MS) * (WIDTH - LEFT - RIGHT);
/** @param {number} perHour */
const y = (perHour) => {
  if (perHour === 0) return HEIGHT - BOTTOM;
  return HEIGHT - BOTTOM - 40 - share(perHour, FEWEST, MOST) * (HEIGHT - TOP - BOTTOM - 40);
};
/** @param {number} value @param {number} from @param {number} to */
const share = (value, from, to) => Math.log(value / from) / Math.log(to / from);

/**
 * @param {{ pauseMs: number, name: string, falseFailovers: number, hours: number, detectionMs: number }[]} points
 */
export function tradeOff(points) {
  const shapes = [
    text(LEFT - 50, 24, 'False failovers per hour', 'strong', 'start'),
    text(WIDTH - RIGHT, HEIGHT - 14, 'until a frozen server is left', 'quiet', 'end'),
  ];
  for (const perHour of [0, 0.1, 1, 10, 100]) {
    shapes.push(
      `<path class="axis" d="M${LEFT},${y(perHour).toFixed(1)} H${WIDTH - RIGHT}"/>`,
      text(LEFT - 10, y(perHour) + 4, String(perHour), 'quiet', 'end'),
    );
  }
  for (const ms of [100, 200, 300, 500, 1000, 2000]) {
    shapes.push(text(x(ms), HEIGHT - BOTTOM + 22, `${ms} ms`, 'quiet'));
  }
  Object.entries(PAUSES).forEach(([pauseMs, { kind, label }], index) => {
    const own = points.filter((point) => point.pauseMs === Number(pauseMs));
    // A round of probes that is in progress shortens the detection by fixed values.
    const longestMs = (/** @type {typeof points[number]} */ { name, detectionMs }) => {
      const same = points.filter((point) => point.name === name && name !== 'adaptive');
      return Math.max(detectionMs, ...same.map((point) => point.detectionMs));
    };
    const at = (/** @type {typeof points[number]} */ point) =>
      `${x(longestMs(point)).toFixed(1)},${y(point.falseFailovers / point.hours).toFixed(1)}`;
    const line = own.filter(({ name }) => name !== 'adaptive').map(at);
    shapes.push(`<path class="line ${kind}" d="M${line.join(' L')}"/>`);
    const adaptive = own.find(({ name }) => name === 'adaptive');
    if (adaptive !== undefined) {
      const [cx, cy] = at(adaptive).split(',');
      shapes.push(`<circle class="tip ${kind}" cx="${cx}" cy="${cy}" r="6"/>`);
    }
    const legend = LEFT + 240 + index * 150;
    shapes.push(
      `<path class="line ${kind}" d="M${legend},20 h24"/>`,
      text(legend + 32, 24, label, 'quiet', 'start'),
    );
  });
  shapes.push(
    `<circle class="tip" cx="${LEFT + 252}" cy="42" r="6"/>`,
    text(
      LEFT + 272,
      46,
      "'adaptive'; lines: fixed values, from 50 to 1000 ms each",
      'quiet',
      'start',
    ),
  );
  return svg({
    ...{ width: WIDTH, height: HEIGHT, shapes },
    title: 'Detection time against false failovers',
    description: points
      .map(
        ({ pauseMs, name, falseFailovers, hours, detectionMs }) =>
          `Pauses of ${pauseMs} ms, ${name}: ${falseFailovers / hours} false failovers per hour, left after ${Math.round(detectionMs)} ms.`,
      )
      .join(' '),
  });
}
