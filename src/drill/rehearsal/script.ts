/** Builds the steps of a drill from the chosen faults. */
import type { MultiDbClient } from '../../client/node-redis/client-type.js';
import { sleep } from '../../test-bed/wire/wait.js';
import type { Recorder } from '../load/recorder.js';
import { duration, moment } from '../report/format.js';
import type { Step } from '../script/step.js';
import { FAULTS_OF_ONE, type Fault } from './faults.js';
import type { Outages, Place } from './places.js';
import { type DrillSettings, FAULT_TEXTS, type FaultName } from './settings.js';

export interface DrillStage {
  readonly client: MultiDbClient;
  readonly recorder: Recorder;
  readonly outages: Outages;
}

export interface Timing {
  readonly gracePeriodMs: number;
  readonly failbackCheckIntervalMs: number;
  /** The client fails back to a database of higher weight automatically. */
  readonly returnsByItself: boolean;
  /** The limit of the database of the highest weight; undefined: no call counts as slow. */
  readonly slowCallMs: number | undefined;
}

/** How late the replies of a slow database are, as a multiple of `slowCallMs`. */
const SLOW_FACTOR = 1.5;

type DrillStep = Step<DrillStage>;

const FAILOVER = ['health-check', 'circuit-breaker', 'slow'];

/** `places` in order of preference, at least two. */
export function script(
  places: readonly Place[],
  settings: DrillSettings,
  timing: Timing,
): DrillStep[] {
  return new Script(places, settings, timing).steps();
}

class Script {
  readonly #first: Place;
  readonly #second: Place;
  readonly #last: Place;

  constructor(
    private readonly places: readonly Place[],
    private readonly settings: DrillSettings,
    private readonly timing: Timing,
  ) {
    this.#first = places[0] as Place;
    this.#second = places[1] as Place;
    this.#last = places.at(-1) as Place;
  }

  steps(): DrillStep[] {
    return this.settings.faults.flatMap((name) => {
      if (name === 'switch') return this.#byHand();
      if (name === 'all-down') return this.#allDown();
      return this.#ofOne(name, FAULTS_OF_ONE[name]);
    });
  }

  #ofOne(name: FaultName, { title, outcome, kind, apply }: Fault): DrillStep[] {
    const { slowCallMs } = this.timing;
    const isSlow = name === 'slow' && slowCallMs !== undefined;
    const delayMs = isSlow ? Math.ceil(SLOW_FACTOR * slowCallMs) : this.settings.delayMs;
    const [first, second] = [this.#first, this.#second];
    const late = name === 'delay' || name === 'slow' ? ` by ${duration(delayMs)}` : '';
    // Without `slowCallMs` a slow database stays.
    const stays = outcome === 'stays' || (name === 'slow' && !isSlow);
    const fault = this.#step({
      title: `${title} ${first.id}`,
      action: `${FAULT_TEXTS[name]}${late}`,
      expected: stays ? first.id : second.id,
      ...(stays ? { stays } : {}),
      // The remaining databases may be tried on the way.
      mayPass: this.places.slice(2).map(({ id }) => id),
      reasons: FAILOVER,
      goal: this.#goal,
      act: ({ outages }) => {
        apply(first.proxy, delayMs);
        if (kind !== undefined) outages.begin(kind, first.id);
      },
    });
    if (kind === undefined) return [fault];
    if (stays) {
      const state = kind === 'slow' ? 'fast' : 'well';
      const quick = { title: `${first.id} is ${state} again`, action: 'the fault ends' };
      return [
        fault,
        this.#step({
          ...quick,
          expected: first.id,
          stays,
          reasons: [],
          planned: true,
          goal: 'no switch',
          act: (stage) => restore(stage, [first]),
        }),
      ];
    }
    return [fault, this.#back([first])];
  }

  #byHand(): DrillStep[] {
    const [first, second] = [this.#first, this.#second];
    const planned = { planned: true, goal: 'one probe' };
    return [
      this.#step({
        ...planned,
        title: `Switch to ${second.id} manually`,
        action: `forceActiveDatabase('${second.id}')`,
        expected: second.id,
        reasons: ['forced'],
        act: ({ client }) => client.forceActiveDatabase(second.id),
      }),
      this.#step({
        ...planned,
        title: `Return to ${first.id} manually`,
        action: `setActiveDatabase('${first.id}')`,
        expected: first.id,
        reasons: ['manual'],
        act: returnByHand(first),
      }),
    ];
  }

  #allDown(): DrillStep[] {
    const ids = this.places.map(({ id }) => id);
    const down = this.#step({
      title: 'Kill all databases',
      action: `${ids.join(', ')}: ${FAULT_TEXTS.kill}`,
      expected: undefined,
      mayPass: ids,
      reasons: FAILOVER,
      goal: 'typed errors at once',
      act: ({ outages }) => {
        for (const { proxy } of this.places) {
          proxy.refuse();
          proxy.reset();
        }
        outages.begin('down', ...ids);
      },
    });
    const one = this.#step({
      title: `${this.#last.id} comes back`,
      action: 'it accepts connections again',
      expected: this.#last.id,
      reasons: ['recovered'],
      goal: 'next attempt to connect',
      act: (stage) => restore(stage, [this.#last]),
    });
    return [down, one, this.#back(this.places.slice(0, -1))];
  }

  /** Ends the fault; the first database is used again. */
  #back(places: readonly Place[]): DrillStep {
    const first = this.#first;
    const { gracePeriodMs, failbackCheckIntervalMs, returnsByItself } = this.timing;
    const names = places.map(({ id }) => id).join(' and ');
    return this.#step({
      title: `${names} ${places.length === 1 ? 'is' : 'are'} healthy again`,
      action: returnsByItself
        ? 'the fault ends'
        : `the fault ends; setActiveDatabase('${first.id}')`,
      expected: first.id,
      mayPass: this.places.slice(1).map(({ id }) => id),
      reasons: returnsByItself ? ['failback'] : ['manual'],
      planned: true,
      ...(returnsByItself ? { afterGrace: true } : {}),
      goal: returnsByItself
        ? `${moment(gracePeriodMs)} of grace period, next failback check ≤ ${moment(failbackCheckIntervalMs)}`
        : 'one probe',
      expectedMs: this.settings.holdMs + (returnsByItself ? gracePeriodMs : 1000),
      act: async (stage) => {
        await restore(stage, places);
        if (!returnsByItself) await returnByHand(first)(stage);
      },
    });
  }

  get #goal(): string {
    return `the goal: ${duration(this.settings.goalRecoveryMs)}`;
  }

  #step(
    step: Omit<DrillStep, 'holdMs' | 'expectedMs'> & { holdMs?: number; expectedMs?: number },
  ): DrillStep {
    const { holdMs } = this.settings;
    return { holdMs, expectedMs: holdMs + 500, ...step };
  }
}

async function restore({ outages }: DrillStage, places: readonly Place[]): Promise<void> {
  await Promise.all(places.map(({ proxy }) => proxy.restore()));
  outages.end(...places.map(({ id }) => id));
}

/** Tries until it succeeds: a database that has just recovered is not connected yet. */
function returnByHand({ id }: Place) {
  return async ({ client }: DrillStage): Promise<void> => {
    while (client.isOpen && client.activeDatabase !== id) {
      await client.setActiveDatabase(id).catch(() => sleep(50));
    }
  };
}
