// A sequence diagram: participants side by side, time downwards.

import { arrow, box, cross, database, svg, text } from './svg.mjs';

/**
 * A message from one participant to another, a note beside the line of one, or a time.
 * @typedef {{ from: number, to: number, say: string, kind?: string, lost?: boolean }
 *   | { at: number, note: string, kind?: string }
 *   | { time: string }} Step
 */

const [STEP, HEAD, EDGE] = [38, 74, 70];

/**
 * @param {{ title: string, description: string, participants: { name: string, role: string, kind?: string,
 *   isDatabase?: boolean }[], steps: Step[] }} diagram
 */
export function sequence({ title, description, participants, steps }) {
  const gap = 152;
  const width = 2 * EDGE + gap * (participants.length - 1);
  const x = (/** @type {number} */ index) => EDGE + index * gap;
  const height = HEAD + 18 + steps.length * STEP;
  const shapes = participants.map((_, index) => {
    return `<path class="axis" d="M${x(index)},${HEAD} V${height - 6}"/>`;
  });
  for (const [index, { name, role, kind, isDatabase }] of participants.entries()) {
    const draw = isDatabase ? database : box;
    shapes.push(draw(x(index) - 62, 4, 124, HEAD - 8, [name, role], kind));
  }
  let y = HEAD + 34;
  for (const step of steps) {
    shapes.push(...drawStep(step, x, y, width));
    y += STEP;
  }
  return svg({ width, height, title, description, shapes });
}

/**
 * @param {Step} step
 * @param {(index: number) => number} x
 * @param {number} y
 * @param {number} width
 */
function drawStep(step, x, y, width) {
  if ('time' in step) {
    return [
      `<path class="axis" d="M4,${y - 6} H${width - 4}" stroke-dasharray="2 4"/>`,
      text(6, y - 11, step.time, 'strong', 'start'),
    ];
  }
  if ('note' in step) {
    const middle = Math.min(
      Math.max(x(step.at), step.note.length * 4 + 14),
      width - step.note.length * 4 - 14,
    );
    const half = step.note.length * 3.9 + 12;
    return [
      `<rect class="box ${step.kind ?? ''}" x="${middle - half}" y="${y - 18}" width="${2 * half}" height="26" rx="13"/>`,
      text(middle, y, step.note, ''),
    ];
  }
  const [from, to] = [x(step.from), x(step.to)];
  const middle = (from + to) / 2;
  const end = step.lost ? to - Math.sign(to - from) * 20 : to - Math.sign(to - from) * 3;
  return [
    arrow(from, y, end, y, step.kind),
    ...(step.lost ? [cross(to - Math.sign(to - from) * 12, y)] : []),
    text(middle, y - 7, step.say, 'quiet'),
  ];
}
