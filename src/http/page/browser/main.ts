import type { DatabaseStatus, Status } from '../../status.js';
import { Databases } from './databases.js';
import { ask, type Duration } from './dialog.js';
import { find, icon, setAttribute, setChildren, setText } from './dom.js';
import { clockTime, MINUTE_MS } from './format.js';
import { change, listen, loadHistory, signInUrl } from './server.js';
import { enableSteering } from './steer.js';
import { showTimeline } from './timeline.js';
import {
  announcement,
  drainConsequences,
  headline,
  heavierThan,
  holds,
  releaseConsequences,
  steeringWords,
  switchConsequences,
  untilFailback,
  why,
} from './words.js';

const NOTICE_MS = 8000;

let status: Status | undefined;
let noticeTimer: ReturnType<typeof setTimeout> | undefined;

const mayChange = document.documentElement.getAttribute('data-may-change') === 'true';
const cards = new Databases(mayChange ? { makeActive, drain, resume, release } : undefined);

function makeActive(id: string): void {
  withDatabase(id, (now, target) => {
    ask({
      title: `Make ${id} the active database?`,
      consequences: switchConsequences(now, target),
      durations: [
        { text: untilFailback(now, target, new Date()), durationMs: undefined },
        ...held(),
      ],
      // A switch that failback undoes a moment later is seldom meant.
      preselected: heavierThan(target, now).length > 0 ? 1 : 0,
      confirm: `Switch to ${id}`,
      perform: (durationMs) => {
        const until = holds(now, target, durationMs, new Date());
        return told(change('active', { database: id, durationMs }), `Switched to ${id}, ${until}.`);
      },
    });
  });
}

function drain(id: string): void {
  withDatabase(id, (now, target) => {
    ask({
      title: `Drain ${id}?`,
      consequences: drainConsequences(now, target),
      durations: held(),
      confirm: `Drain ${id}`,
      perform: (durationMs) => told(change(pathOf(id, 'drain'), { durationMs }), `Drained ${id}.`),
    });
  });
}

function resume(id: string): void {
  ask({
    title: `Resume ${id}?`,
    consequences: [
      `${id} can become active again.`,
      'If its weight is the highest, the client returns to it at the next failback check.',
    ],
    durations: [],
    confirm: `Resume ${id}`,
    perform: () => told(change(pathOf(id, 'resume'), {}), `Resumed ${id}.`),
  });
}

function release(id: string): void {
  withDatabase(id, (now, target) => {
    ask({
      title: `Release ${id}?`,
      consequences: releaseConsequences(now, target),
      durations: [],
      confirm: `Release ${id}`,
      perform: () => told(change(pathOf(id, 'release'), {}), `Released ${id}.`),
    });
  });
}

function held(): Duration[] {
  return [
    { text: 'For 10 minutes', durationMs: 10 * MINUTE_MS },
    { text: 'For an hour', durationMs: 60 * MINUTE_MS },
    { text: 'Until resumed', durationMs: null },
  ];
}

function pathOf(id: string, verb: string): string {
  return `databases/${encodeURIComponent(id)}/${verb}`;
}

function withDatabase(id: string, act: (status: Status, database: DatabaseStatus) => void): void {
  const database = status?.databases.find((each) => each.id === id);
  if (status !== undefined && database !== undefined) act(status, database);
}

async function told(done: Promise<string | undefined>, text: string): Promise<string | undefined> {
  const refusal = await done;
  if (refusal === undefined) notify(text);
  return refusal;
}

function notify(text: string): void {
  const notice = find('notice').querySelector('p') as HTMLElement;
  setText(notice, text);
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => setText(notice, ''), NOTICE_MS);
}

function showStatus(now: Status): void {
  status = now;
  const { text, tone, icon: name } = headline(now);
  setAttribute(find('state'), 'data-tone', tone);
  setChildren(find('headline'), `${name} ${text}`, () => [icon(name), text]);
  setText(find('why'), why(now, new Date()));
  setText(find('steering'), steeringWords(now, new Date()));
  cards.update(now);
  showTimeline(now.switches);
  setText(find('explanation'), now.explanation);
  setText(find('as-of'), `as of ${timeOf(now)}`);
}

function timeOf({ at }: Status): string {
  return clockTime(new Date(at), new Date());
}

function showLive(isLive: boolean): void {
  setAttribute(find('live'), 'data-live', String(isLive));
  setChildren(find('live'), String(isLive), () => {
    if (isLive) return [icon('dot'), 'Live'];
    const asOf = status === undefined ? '' : `; state of ${timeOf(status)}`;
    return [icon('alert'), `Connection lost, trying again${asOf}`];
  });
}

const signIn = document.getElementById('sign-in');
if (signIn !== null) {
  signIn.setAttribute('href', signInUrl());
  signIn.hidden = false;
}
enableSteering(() => status);
setInterval(() => cards.tick(), 1000);
listen({
  onStatus: showStatus,
  onLive: showLive,
  onSwitch: (event) => {
    setText(find(event.to === null ? 'alarm' : 'announcer'), announcement(event));
  },
});
loadHistory().then((history) => {
  if (history === undefined) return;
  cards.load(history);
  if (status !== undefined) showStatus(status);
});
