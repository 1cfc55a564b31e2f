// Shapes of the diagrams, as lines of SVG. Colours follow the colour scheme of the reader.

const STYLE = `
text { font: 14px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.strong { font-weight: 600 }
.quiet { fill: #59636e; font-size: 12.5px }
.bad { fill: #b3261e }
.good { fill: #116329 }
.box { fill: #f6f8fa; stroke: #8c959f }
.box.active { fill: #dafbe1; stroke: #1a7f37; stroke-width: 2 }
.box.failed { fill: #ffebe9; stroke: #b3261e; stroke-dasharray: 5 4 }
.box.wait { fill: #fff8c5; stroke: #9a6700 }
.line { fill: none; stroke: #59636e; stroke-width: 1.5 }
.line.active { stroke: #1a7f37; stroke-width: 3 }
.line.failed { stroke: #b3261e; stroke-width: 2 }
.line.probe { stroke-dasharray: 4 4 }
.axis { stroke: #d1d9e0 }
.tip { fill: #59636e }
.tip.active { fill: #1a7f37 }
.tip.failed { fill: #b3261e }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .quiet { fill: #9da7b1 }
  .bad { fill: #ff8b82 }
  .good { fill: #56d364 }
  .box { fill: #21262d; stroke: #656c76 }
  .box.active { fill: #12361f; stroke: #3fb950 }
  .box.failed { fill: #3d1513; stroke: #ff6b63 }
  .box.wait { fill: #3a2d09; stroke: #d29922 }
  .line { stroke: #9198a1 }
  .line.active { stroke: #3fb950 }
  .line.failed { stroke: #ff6b63 }
  .axis { stroke: #3d444d }
  .tip { fill: #9198a1 }
  .tip.active { fill: #3fb950 }
  .tip.failed { fill: #ff6b63 }
}`;

const escaped = (/** @type {string} */ text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/**
 * A picture. The title names it and the description tells its content to those who cannot see it.
 * @param {{ width: number, height: number, title: string, description: string, shapes: string[] }} picture
 */
export function svg({ width, height, title, description, shapes }) {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">` +
    `<title id="title">${escaped(title)}</title><desc id="description">${escaped(description)}</desc>` +
    `<style>${STYLE}</style>\n${shapes.join('\n')}\n</svg>\n`
  );
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {string} [kind] classes
 * @param {'start' | 'middle' | 'end'} [anchor]
 */
export function text(x, y, content, kind = '', anchor = 'middle') {
  return `<text class="${kind}" x="${x}" y="${y}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

/**
 * A box with lines of text in its middle; the first one is strong.
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 * @param {string[]} lines
 * @param {string} [kind]
 */
export function box(x, y, width, height, lines, kind = '') {
  const first = y + height / 2 + 5 - (lines.length - 1) * 9;
  return [
    `<rect class="box ${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>`,
    ...lines.map((line, index) =>
      text(x + width / 2, first + index * 18, line, index === 0 ? 'strong' : 'quiet'),
    ),
  ].join('');
}

/**
 * A database: a box with a round top.
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 * @param {string[]} lines
 * @param {string} [kind]
 */
export function database(x, y, width, height, lines, kind = '') {
  const [rx, ry] = [width / 2, 9];
  const body = `M${x},${y + ry} a${rx},${ry} 0 0 1 ${width},0 v${height - 2 * ry} a${rx},${ry} 0 0 1 ${-width},0 z`;
  const first = y + height / 2 + 9 - (lines.length - 1) * 9;
  return [
    `<path class="box ${kind}" d="${body}"/>`,
    `<path class="box ${kind}" style="fill:none" d="M${x},${y + ry} a${rx},${ry} 0 0 0 ${width},0"/>`,
    ...lines.map((line, index) =>
      text(x + width / 2, first + index * 18, line, index === 0 ? 'strong' : 'quiet'),
    ),
  ].join('');
}

/**
 * A straight arrow.
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 * @param {string} [kind]
 */
export function arrow(x1, y1, x2, y2, kind = '') {
  const length = Math.hypot(x2 - x1, y2 - y1);
  const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
  const at = (/** @type {number} */ along, /** @type {number} */ across) =>
    `${(x2 - dx * along - dy * across).toFixed(1)},${(y2 - dy * along + dx * across).toFixed(1)}`;
  return (
    `<path class="line ${kind}" d="M${x1},${y1} L${at(7, 0)}"/>` +
    `<path class="tip ${kind}" d="M${at(0, 0)} L${at(10, 5)} L${at(10, -5)} z"/>`
  );
}

/**
 * A cross, for what gets no answer.
 * @param {number} x
 * @param {number} y
 */
export function cross(x, y) {
  return `<path class="line failed" d="M${x - 7},${y - 7} l14,14 m0,-14 l-14,14"/>`;
}
