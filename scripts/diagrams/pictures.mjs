// The diagrams of the documentation, by the names of their files in docs/images/.

import { ADAPTIVE_BOUNDS } from '../../src/options/adaptive.js';
import { DEFAULTS } from '../../src/options/defaults.js';
import { connections, disagreement, load, metastable, moved, returned } from './fleet.mjs';
import { peers } from './peers.mjs';
import { sequence } from './sequence.mjs';
import { arrow, box, cross, database, svg, text } from './svg.mjs';

const seconds = (/** @type {number} */ ms) => `${ms / 1000} s`;
const suspectAfter = ADAPTIVE_BOUNDS.suspectAfterMs;
const probeTimeout = ADAPTIVE_BOUNDS.timeoutMs;
const grace = Number(DEFAULTS.gracePeriodMs.default);
const failbackCheck = DEFAULTS.failbackCheckIntervalMs.default;

const PARTICIPANTS = [
  { name: 'Application', role: 'commands' },
  { name: 'redis-multidb', role: 'in its process' },
  { name: 'east', role: 'weight 1', isDatabase: true, kind: 'failed' },
  { name: 'west', role: 'weight 0.5', isDatabase: true, kind: 'active' },
];

/** The application and its two databases, before and after. */
function overview() {
  const shapes = [];
  const panel = (/** @type {number} */ left, /** @type {boolean} */ isAfter) => {
    const [east, west] = [left + 6, left + 136];
    shapes.push(
      text(
        left + 125,
        18,
        isAfter ? 'east fails' : 'east serves',
        isAfter ? 'strong bad' : 'strong',
      ),
      box(left + 25, 32, 200, 52, ['Application', 'client = createMultiDbClient()']),
      database(
        east,
        176,
        108,
        66,
        ['east', isAfter ? 'failed' : 'active'],
        isAfter ? 'failed' : 'active',
      ),
      database(
        west,
        176,
        108,
        66,
        ['west', isAfter ? 'active' : 'standby'],
        isAfter ? 'active' : '',
      ),
    );
    if (isAfter) {
      shapes.push(
        `<path class="line failed probe" d="M${left + 80},86 L${east + 60},166"/>`,
        cross(left + 71, 128),
        arrow(left + 150, 86, west + 38, 170, 'active'),
        text(left + 250, 128, 'commands', 'quiet', 'end'),
      );
    } else {
      shapes.push(
        arrow(left + 85, 86, east + 54, 170, 'active'),
        text(left + 2, 128, 'commands', 'quiet', 'start'),
        arrow(left + 165, 86, west + 54, 170, 'probe'),
        text(left + 216, 128, 'probes', 'quiet'),
      );
    }
  };
  panel(0, false);
  panel(270, true);
  shapes.push(`<path class="axis" d="M260,10 V246"/>`);
  return svg({
    width: 520,
    height: 250,
    title: 'A failover',
    description:
      'While the database east serves, the application sends its commands to east, and the client probes the standby west. ' +
      'When east fails, the client sends the commands to west, over a connection that is already open.',
    shapes,
  });
}

function killed() {
  return sequence({
    title: 'The active server is killed',
    description:
      'The connection to east breaks. The client probes east over a new connection and sends a PING to west at the same time. ' +
      'The probe is refused and west answers, so west becomes active. The read in flight is repeated on west. ' +
      'The write in flight rejects with maybeExecuted true. New commands go to west.',
    participants: PARTICIPANTS,
    steps: [
      { from: 0, to: 1, say: 'GET a, INCR n' },
      { from: 1, to: 2, say: 'GET a, INCR n' },
      { time: '0 ms' },
      { from: 2, to: 1, say: 'connection lost', kind: 'failed' },
      { from: 1, to: 2, say: 'probe, new connection', kind: 'probe', lost: true },
      { from: 1, to: 3, say: 'PING over the open data connection', kind: 'probe' },
      { time: 'about 4 ms: refused, so west becomes active' },
      { at: 1, note: 'switch event, reason health-check', kind: 'active' },
      { from: 1, to: 3, say: 'GET a, again: a read is safe to repeat', kind: 'active' },
      { from: 1, to: 0, say: 'INCR: maybeExecuted', kind: 'failed' },
      { from: 3, to: 1, say: 'reply to GET a', kind: 'active' },
      { from: 1, to: 0, say: 'reply to GET a', kind: 'active' },
      { from: 0, to: 1, say: 'SET b 1', kind: 'active' },
      { from: 1, to: 3, say: 'SET b 1', kind: 'active' },
    ],
  });
}

function frozen() {
  return sequence({
    title: 'The active server is frozen',
    description:
      `East stops answering without closing its connection. After ${seconds(suspectAfter)} of silence the client probes it over the ` +
      `old and over a new connection. After another ${seconds(probeTimeout)} without an answer, west becomes active.`,
    participants: PARTICIPANTS,
    steps: [
      { time: '0 s: east stops answering, connections stay open' },
      { from: 0, to: 1, say: 'GET a' },
      { from: 1, to: 2, say: 'GET a', lost: true },
      { time: `${seconds(suspectAfter)} of silence: suspectAfterMs` },
      { from: 1, to: 2, say: 'probe, old connection', kind: 'probe', lost: true },
      { from: 1, to: 2, say: 'probe, new connection', kind: 'probe', lost: true },
      { from: 1, to: 3, say: 'PING over the open data connection', kind: 'probe' },
      { time: `${seconds(suspectAfter + probeTimeout)}: no answer within healthCheck.timeoutMs` },
      { at: 1, note: 'switch event, reason health-check', kind: 'active' },
      { from: 1, to: 3, say: 'GET a', kind: 'active' },
      { from: 3, to: 1, say: 'reply', kind: 'active' },
      { from: 1, to: 0, say: 'reply', kind: 'active' },
    ],
  });
}

/** What happens to a database that failed until it serves again. */
function failback() {
  const [left, right, end] = [10, 596, 200];
  const x = (/** @type {number} */ s) => left + (s / end) * (right - left);
  const [graceEnd, check] = [grace / 1000, failbackCheck / 1000];
  const bar = (
    /** @type {number} */ y,
    /** @type {number} */ from,
    /** @type {number} */ to,
    /** @type {string} */ kind,
    /** @type {string} */ say,
  ) =>
    `<rect class="box ${kind}" x="${x(from)}" y="${y}" width="${x(to) - x(from)}" height="30" rx="4"/>` +
    text((x(from) + x(to)) / 2, y + 20, say, 'quiet');
  const shapes = [
    text(left, 18, 'east, which failed', 'strong', 'start'),
    bar(28, 0, 25, 'failed', 'unhealthy'),
    bar(28, 25, graceEnd, 'wait', 'grace period'),
    bar(28, graceEnd, check, '', 'healthy, standby'),
    bar(28, check, end, 'active', 'active'),
    text(left, 92, 'west, which took over', 'strong', 'start'),
    bar(102, 0, check, 'active', 'active'),
    bar(102, check, end, '', 'standby'),
  ];
  for (const [s, label] of /** @type {const} */ ([
    [0, 'failover'],
    [graceEnd, 'grace period ends'],
    [check, 'failback check'],
  ])) {
    shapes.push(
      `<path class="axis" d="M${x(s)},28 V146"/>`,
      text(x(s), 162, `${s} s`, 'strong', s === 0 ? 'start' : 'middle'),
      text(x(s), 180, label, 'quiet', s === 0 ? 'start' : 'middle'),
    );
  }
  return svg({
    width: 606,
    height: 188,
    title: 'The way back',
    description:
      `After the failover, east waits for the end of its grace period, ${graceEnd} s. ` +
      `Then it is a healthy standby until the next failback check, which runs every ${check} s and makes it active again.`,
    shapes,
  });
}

/** The three detectors and what they lead to. */
function detectors() {
  const rows = [
    ['Every command', 'fills the failure window'],
    ['Health checks', 'probe each database all the time'],
    ['First sign of failure', 'loss, silence, state reply, timeout'],
  ];
  const shapes = rows.map(([name = '', what = ''], index) =>
    box(4, 8 + index * 76, 226, 56, [name, what]),
  );
  shapes.push(
    box(288, 8, 130, 56, ['Circuit breaker', '1000 and 10 %'], 'wait'),
    box(288, 122, 130, 56, ['Probe', 'new connection'], 'wait'),
    box(468, 65, 134, 56, ['Coordinator', 'one decision'], 'active'),
    arrow(232, 36, 284, 36),
    arrow(232, 112, 284, 142),
    arrow(232, 188, 284, 160),
    arrow(420, 36, 464, 80),
    arrow(420, 150, 464, 106),
    text(535, 148, 'keeps or switches', 'quiet'),
    text(535, 165, 'for every command', 'quiet'),
  );
  return svg({
    width: 606,
    height: 224,
    title: 'Three detectors and one judge',
    description:
      'The outcome of every command fills the window of the circuit breaker. Health checks probe every database all the time. ' +
      'The first sign of a failure, such as a lost connection, starts a probe at once. ' +
      'The circuit breaker and the probes report to the coordinator, which keeps the active database or switches.',
    shapes,
  });
}

/** @type {Readonly<Record<string, () => string>>} */
export const PICTURES = {
  'how-overview.svg': overview,
  'how-killed.svg': killed,
  'how-frozen.svg': frozen,
  'how-failback.svg': failback,
  'how-detectors.svg': detectors,
  'proof-peers.svg': peers,
  'fleet-moved.svg': moved,
  'fleet-load.svg': load,
  'fleet-returned.svg': returned,
  'fleet-connections.svg': connections,
  'fleet-disagreement.svg': disagreement,
  'fleet-metastable.svg': metastable,
};
