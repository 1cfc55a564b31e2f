/** The dialog that steers all processes: what, for how long, why; then a question; then the result. */
import { namesDatabase, type SteeringOrder } from '../../../core/steering/order.js';
import type { Status } from '../../status.js';
import { ask, tell } from './dialog.js';
import { el, find, setText } from './dom.js';
import { publish } from './server.js';
import {
  publishedLines,
  STEER_ACTIONS,
  STEER_DURATIONS,
  STEER_SPREADS,
  steerConsequences,
  steerTitle,
} from './steer-words.js';

const NAME_KEY = 'redis-multidb name';
/** An hour, over ten minutes. */
const DEFAULT_DURATION = 1;
const DEFAULT_SPREAD = 3;

/** Makes the button of the page work, if the reader has it. `latest` returns the latest status. */
export function enableSteering(latest: () => Status | undefined): void {
  const button = document.getElementById('steer');
  if (button === null) return;
  const dialog = find('steer-dialog') as HTMLDialogElement;
  const form = dialog.querySelector('form') as HTMLFormElement;
  const actions = find('steer-actions');
  for (const { action, text } of STEER_ACTIONS) {
    const input = el('input', { type: 'radio', name: 'action', value: action, required: '' });
    actions.append(el('label', {}, input, text));
  }
  fill('steer-for', STEER_DURATIONS, DEFAULT_DURATION);
  fill('steer-spread', STEER_SPREADS, DEFAULT_SPREAD);
  field('steer-by').value = rememberedName();

  const update = () => {
    const status = latest();
    const order = chosen();
    const action = order?.action;
    show('steer-database', namesDatabase(action));
    show('steer-for', action !== 'release');
    field('steer-reason').required = action !== 'release';
    const isComplete = order !== undefined && status !== undefined;
    const lines = isComplete ? steerConsequences(order, status, new Date()) : ['Nothing yet.'];
    showLines(lines);
  };
  form.addEventListener('input', update);
  button.addEventListener('click', () => {
    const status = latest();
    if (status === undefined) return;
    fillDatabases(status);
    update();
    dialog.showModal();
  });
  find('steer-cancel').addEventListener('click', () => dialog.close());
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const status = latest();
    const order = chosen();
    if (status === undefined || order === undefined) return;
    remember(field('steer-by').value);
    dialog.close();
    question(order, status);
  });
}

function question(order: SteeringOrder, status: Status): void {
  const title = steerTitle(order);
  const { action, databaseId, durationMs, ...spread } = order;
  const reason = field('steer-reason').value.trim();
  const body = {
    action,
    ...(databaseId === undefined ? {} : { database: databaseId }),
    ...(durationMs === undefined ? {} : { durationMs }),
    ...spread,
    ...(reason === '' ? {} : { reason }),
    by: field('steer-by').value.trim(),
  };
  let result: readonly string[] = [];
  ask({
    title: `${title}?`,
    consequences: [
      ...steerConsequences(order, status, new Date()),
      `All of them report: ${reason === '' ? 'released' : reason} (${body.by}).`,
    ],
    durations: [],
    confirm: title,
    async perform() {
      const answer = await publish(body);
      if (typeof answer === 'string') return answer;
      result = publishedLines(answer, order, new Date());
      return undefined;
    },
    done() {
      field('steer-reason').value = '';
      tell('Published', result);
    },
  });
}

/** What the fields say; undefined while no action is chosen. */
function chosen(): SteeringOrder | undefined {
  const input = document.querySelector<HTMLInputElement>('#steer-actions input:checked');
  const action = STEER_ACTIONS.find((each) => each.action === input?.value)?.action;
  if (action === undefined) return undefined;
  const { spreadMs, canaryPercent } = STEER_SPREADS[indexOf('steer-spread')] ?? {};
  const durationMs = STEER_DURATIONS[indexOf('steer-for')]?.durationMs ?? undefined;
  return {
    action,
    ...(namesDatabase(action) ? { databaseId: select('steer-database').value } : {}),
    ...(action === 'release' || durationMs === undefined ? {} : { durationMs }),
    ...(spreadMs === undefined ? {} : { spreadMs }),
    ...(canaryPercent === undefined ? {} : { canaryPercent }),
  };
}

function fill(id: string, choices: readonly { readonly text: string }[], selected: number): void {
  select(id).replaceChildren(
    ...choices.map(({ text }, index) => el('option', { value: `${index}` }, text)),
  );
  select(id).selectedIndex = selected;
}

/** Keeps the choice. The active database comes first at the first time: it is what is left most often. */
function fillDatabases({ databases, activeDatabase }: Status): void {
  const before = select('steer-database').value || activeDatabase;
  select('steer-database').replaceChildren(
    ...databases.map(({ id }) => el('option', { value: id }, id)),
  );
  const index = databases.findIndex(({ id }) => id === before);
  select('steer-database').selectedIndex = Math.max(0, index);
}

/** Only what differs, so that a screen reader reads changes alone. */
function showLines(lines: readonly string[]): void {
  const list = find('steer-preview');
  while (list.children.length > lines.length) list.lastElementChild?.remove();
  lines.forEach((line, index) => {
    const item = list.children[index] ?? list.appendChild(el('li'));
    setText(item, line);
  });
}

function show(id: string, isShown: boolean): void {
  (find(id).parentElement as HTMLElement).hidden = !isShown;
}

function field(id: string): HTMLInputElement {
  return find(id) as HTMLInputElement;
}

function select(id: string): HTMLSelectElement {
  return find(id) as HTMLSelectElement;
}

function indexOf(id: string): number {
  return Number(select(id).value);
}

/** The browser may forbid to store anything. */
function rememberedName(): string {
  try {
    return localStorage.getItem(NAME_KEY) ?? '';
  } catch {
    return '';
  }
}

function remember(name: string): void {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {}
}
