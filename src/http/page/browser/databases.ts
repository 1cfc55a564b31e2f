/** The cards. Each is built once and then kept up to date, so that focus stays where it is. */
import type { LatencyHistoryStatus, LatencyPoint } from '../../latency-history.js';
import type { DatabaseStatus, Status } from '../../status.js';
import { el, find, icon, setAttribute, setChildren, setText, svg } from './dom.js';
import { clockTime, latency, MINUTE_MS, median, span } from './format.js';
import { HEIGHT, plotOf, type Stretch, WIDTH, windowFor } from './plot.js';
import { breaker, failuresOf, health, type Phrase, role } from './words.js';

const MAX_POINTS = 400;

export interface CardActions {
  makeActive(id: string): void;
  drain(id: string): void;
  resume(id: string): void;
  release(id: string): void;
}

export class Databases {
  readonly #cards = new Map<string, Card>();
  readonly #list = find('databases');
  #longestMs = 5 * MINUTE_MS;

  constructor(private readonly actions: CardActions | undefined) {}

  load({ windowMs, databases }: LatencyHistoryStatus): void {
    this.#longestMs = windowMs;
    for (const { id, points } of databases) this.#card(id).load(points);
  }

  update(status: Status): void {
    for (const [id, card] of this.#cards) {
      if (status.databases.some((database) => database.id === id)) continue;
      card.root.remove();
      this.#cards.delete(id);
    }
    const now = Date.parse(status.at);
    const oldest = Math.min(...status.databases.map(({ id }) => this.#card(id).oldest ?? now));
    const windowMs = windowFor(oldest, now, this.#longestMs);
    for (const database of status.databases) {
      this.#card(database.id).update(database, status, windowMs);
    }
    const wanted = status.databases.map(({ id }) => this.#card(id).root);
    if (wanted.some((root, index) => this.#list.children[index] !== root)) {
      this.#list.replaceChildren(...wanted);
    }
  }

  /** Once a second, for what only time changes. */
  tick(): void {
    for (const card of this.#cards.values()) card.tick();
  }

  #card(id: string): Card {
    const card = this.#cards.get(id) ?? new Card(id, this.actions);
    this.#cards.set(id, card);
    return card;
  }
}

class Card {
  readonly #title = el('h3');
  readonly #pill = el('span', { class: 'pill' });
  readonly #health = el('dd');
  readonly #breaker = el('dd');
  readonly #weight = el('dd');
  readonly #latency = el('dd');
  readonly #chart = svg('svg', {
    class: 'chart',
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    role: 'img',
  });
  readonly #scale = el('span', { class: 'scale', 'aria-hidden': 'true' });
  readonly #window = el('span');
  readonly #summary = el('span');
  readonly #grace = el('div', { class: 'grace', hidden: '' });
  readonly #graceText = el('span');
  readonly #graceLeft = el('div', { class: 'left' });
  readonly #details = el('ul', { class: 'details' });
  readonly #buttons = el('div', { class: 'actions' });
  readonly root: HTMLElement;
  #points: LatencyPoint[] = [];
  #graceEndsAt = 0;
  #graceMs = 0;

  constructor(
    private readonly id: string,
    private readonly actions: CardActions | undefined,
  ) {
    const fact = (name: string, value: HTMLElement) => el('div', {}, el('dt', {}, name), value);
    setText(this.#title, id);
    const bar = el('div', { class: 'bar', 'aria-hidden': 'true' }, this.#graceLeft);
    this.#grace.append(this.#graceText, bar);
    this.root = el(
      'li',
      { class: 'database' },
      el('div', { class: 'top' }, this.#title, this.#pill),
      el(
        'dl',
        { class: 'facts' },
        fact('Health', this.#health),
        fact('Breaker', this.#breaker),
        fact('Weight', this.#weight),
        fact('Latency', this.#latency),
      ),
      el(
        'figure',
        { class: 'plot' },
        this.#scale,
        this.#chart,
        el('figcaption', {}, this.#window, this.#summary),
      ),
      this.#grace,
      this.#details,
      ...(actions === undefined ? [] : [this.#buttons]),
    );
  }

  /** Wall-clock time of the first probe that is remembered. */
  get oldest(): number | undefined {
    return this.#points[0]?.[0];
  }

  load(points: readonly LatencyPoint[]): void {
    const last = points.at(-1)?.[0] ?? 0;
    this.#points = [...points, ...this.#points.filter(([at]) => at > last)];
  }

  update(database: DatabaseStatus, status: Status, windowMs: number): void {
    setAttribute(this.root, 'data-active', String(database.active));
    show(this.#pill, role(database));
    show(this.#health, health(database));
    show(this.#breaker, breaker(database), failuresOf(database));
    setText(this.#weight, String(database.weight));
    const { latencyMs, lastProbe } = database;
    const isKnown = latencyMs !== null && lastProbe?.healthy === true;
    setText(this.#latency, isKnown ? latency(latencyMs) : '\u2013');
    this.#remember(database);
    this.#draw(status, windowMs);
    this.#updateGrace(database);
    const lines = linesOf(database);
    setChildren(this.#details, JSON.stringify(lines), () =>
      lines.map((line) => el('li', {}, line)),
    );
    this.#updateButtons(database, status);
  }

  tick(): void {
    const leftMs = this.#graceEndsAt - Date.now();
    this.#grace.hidden = leftMs <= 0;
    if (leftMs <= 0) return;
    setText(this.#graceText, `Grace period ends in ${span(leftMs)}`);
    this.#graceLeft.style.width = `${(100 * leftMs) / this.#graceMs}%`;
  }

  #remember({ lastProbe }: DatabaseStatus): void {
    if (lastProbe === null) return;
    const at = Date.parse(lastProbe.at);
    if ((this.#points.at(-1)?.[0] ?? 0) >= at) return;
    this.#points.push([at, lastProbe.healthy ? lastProbe.latencyMs : null]);
    if (this.#points.length > MAX_POINTS) this.#points.shift();
  }

  #draw({ at, switches }: Status, windowMs: number): void {
    const now = Date.parse(at);
    const plot = plotOf(this.id, this.#points, switches, now, windowMs);
    this.#chart.replaceChildren(
      ...plot.served.map((stretch) => band('served', stretch)),
      ...plot.failed.flatMap((stretch) => [band('failed', stretch), band('stripes', stretch)]),
      svg('path', { class: 'line', d: plot.line }),
    );
    const shown = this.#points.filter((point) => point[0] >= now - windowMs);
    const values = shown.flatMap(([, ms]) => (ms === null ? [] : [ms]));
    const middle = median(values);
    const failed = shown.length - values.length;
    const parts = [
      ...(middle === undefined ? [] : [`median ${latency(middle)}`]),
      ...(failed === 0 ? [] : [`${failed} failed`]),
    ];
    const minutes = Math.round(windowMs / MINUTE_MS);
    setText(this.#window, minutes === 1 ? 'last minute' : `last ${minutes} minutes`);
    setText(this.#scale, `${plot.topMs} ms`);
    setText(this.#summary, parts.join(', ') || 'no probe yet');
    setAttribute(this.#chart, 'aria-label', `Latency of probes: ${parts.join(', ') || 'none yet'}`);
  }

  #updateGrace({ gracePeriodLeftMs }: DatabaseStatus): void {
    const endsAt = gracePeriodLeftMs === 0 ? 0 : Date.now() + gracePeriodLeftMs;
    // The whole length is not told: it is what was left when it was first seen.
    if (endsAt > this.#graceEndsAt + 2000) this.#graceMs = gracePeriodLeftMs;
    this.#graceEndsAt = endsAt;
    this.tick();
  }

  #updateButtons({ active, drained }: DatabaseStatus, { forced }: Status): void {
    const { actions, id } = this;
    if (actions === undefined) return;
    // An older application does not report it.
    const isForced = active && forced !== null && forced !== undefined;
    setChildren(this.#buttons, `${active} ${drained} ${isForced}`, () => {
      const button = (text: string, act: (id: string) => void) => {
        const element = el('button', { type: 'button' }, `${text}\u2026`);
        element.append(el('span', { class: 'vh' }, ` ${id}`));
        element.addEventListener('click', () => act(id));
        return element;
      };
      return [
        ...(active ? [] : [button('Make active', actions.makeActive)]),
        ...(isForced ? [button('Release', actions.release)] : []),
        drained ? button('Resume', actions.resume) : button('Drain', actions.drain),
      ];
    });
  }
}

function band(name: string, { x, width }: Stretch): SVGElement {
  const size = { x: `${x}`, y: '0', width: `${width}`, height: `${HEIGHT}` };
  return svg('rect', { class: name, ...size });
}

function show(element: Element, { text, tone, icon: name }: Phrase, title = ''): void {
  setAttribute(element, 'data-tone', tone);
  if (title !== '') setAttribute(element, 'title', title);
  setChildren(element, `${name} ${text}`, () => [icon(name), text]);
}

/** Details, without the countdown that is shown anyway. */
function linesOf(database: DatabaseStatus): string[] {
  const { failures } = database;
  const lines = database.details.filter((line) => !line.startsWith('grace period'));
  if (failures > 0) lines.push(failuresOf(database));
  const steady = lines.map((line) => line.replace(/ for another [\d.]+ s$/, ''));
  if (database.drainEndsAt === null) return steady;
  const until = clockTime(new Date(database.drainEndsAt), new Date());
  return steady.map((line) => (line.startsWith('drained') ? `${line} until ${until}` : line));
}
