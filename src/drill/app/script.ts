/** Builds the steps of an application's drill from the chosen faults. */
import type { Recorder } from '../load/recorder.js';
import { FAULTS_OF_ONE, type Fault } from '../rehearsal/faults.js';
import type { Outages, Place } from '../rehearsal/places.js';
import { type DrillSettings, FAULT_TEXTS, type FaultName } from '../rehearsal/settings.js';
import { duration } from '../report/format.js';
import type { Reached, Step } from '../script/step.js';
import type { Requests } from './requests.js';
import type { Watch } from './watch.js';

export interface AppStage {
  readonly recorder: Recorder;
  readonly outages: Outages;
  readonly requests: Requests;
  readonly watch: Watch;
  /** Rejects when the application refuses. */
  switchTo(id: string): Promise<unknown>;
}

export type AppStep = Step<AppStage>;

/** Builds a step once the active database at its start is known. */
export type Build = (active: Place) => AppStep;

export interface AppTiming {
  /** Longest wait for a database to be used again. */
  readonly recoveryMs: number;
  /** Responses don't show which database served them: a recovery begins with the switch. */
  readonly afterSwitch: boolean;
}

/** `places` in order of preference, at least two. Each fault hits the database that is active then. */
export function appScript(
  places: readonly Place[],
  settings: DrillSettings,
  timing: AppTiming,
): Build[] {
  return new AppScript(places, settings, timing).steps();
}

class AppScript {
  constructor(
    private readonly places: readonly Place[],
    private readonly settings: DrillSettings,
    private readonly timing: AppTiming,
  ) {}

  steps(): Build[] {
    const { faults } = this.settings;
    return faults.flatMap((name, index) => {
      const isLast = index === faults.length - 1;
      if (name === 'switch') return this.#byHand();
      if (name === 'all-down') return this.#allDown(isLast);
      return this.#ofOne(name, FAULTS_OF_ONE[name], isLast);
    });
  }

  #ofOne(name: FaultName, fault: Fault, isLast: boolean): Build[] {
    const { title, kind, apply } = fault;
    const { delayMs, goalRecoveryMs } = this.settings;
    const late = name === 'delay' || name === 'slow' ? ` by ${duration(delayMs)}` : '';
    let hit = this.places[0] as Place;
    const begin: Build = (active) => {
      hit = active;
      const others = this.places.filter((place) => place !== active);
      // Without writes a read-only database is not noticed. A slow one may be left or not.
      const stays = fault.outcome === 'stays';
      const mayStay = name === 'read-only' || name === 'slow';
      const afterSwitch = this.timing.afterSwitch && !stays && !mayStay;
      return this.#step({
        title: `${title} ${active.id}`,
        action: `${FAULT_TEXTS[name]}${late}`,
        expected: stays || mayStay ? active.id : (others[0] as Place).id,
        ...(stays ? { stays } : {}),
        ...(mayStay ? { mayStay } : {}),
        mayPass: others.map(({ id }) => id),
        reasons: ['health-check', 'circuit-breaker', 'slow'],
        goal: `the goal: ${duration(goalRecoveryMs)}`,
        reached: (stage) => (afterSwitch ? switched(stage, active.id) : stage.requests.next(false)),
        act: ({ outages }) => {
          apply(active.proxy, delayMs);
          if (kind !== undefined) outages.begin(kind, active.id);
        },
      });
    };
    return kind === undefined ? [begin] : [begin, () => this.#back([hit], isLast)];
  }

  #byHand(): Build[] {
    let [from, to] = this.places as [Place, Place];
    const step = (title: string, { id }: Place) =>
      this.#step({
        title,
        action: `POST /active: ${id}`,
        expected: id,
        reasons: ['manual', 'forced'],
        planned: true,
        goal: 'no error',
        reached: ({ requests }) => requests.next(false),
        act: ({ switchTo }) => switchTo(id),
      });
    return [
      (active) => {
        from = active;
        to = this.places.find((place) => place !== active) as Place;
        return step(`Switch to ${to.id} manually`, to);
      },
      () => step(`Return to ${from.id} manually`, from),
    ];
  }

  #allDown(isLast: boolean): Build[] {
    const ids = this.places.map(({ id }) => id);
    const down: Build = () =>
      this.#step({
        title: 'Kill all databases',
        action: `${ids.join(', ')}: ${FAULT_TEXTS.kill}`,
        expected: undefined,
        mayPass: ids,
        reasons: [],
        goal: 'an answer, which may be an error',
        reached: ({ requests }) => requests.next(true),
        act: ({ outages, requests }) => {
          requests.allDown = true;
          for (const { proxy } of this.places) {
            proxy.refuse();
            proxy.reset();
          }
          outages.begin('down', ...ids);
        },
      });
    return [down, () => this.#back(this.places, isLast, true)];
  }

  /**
   * Ends the fault; before the next one, the application must be able to use the databases again.
   */
  #back(places: readonly Place[], isLast: boolean, wasDown = false): AppStep {
    const names = places.map(({ id }) => id).join(' and ');
    return this.#step({
      title: `${names} ${places.length === 1 ? 'is' : 'are'} healthy again`,
      action: 'the fault ends',
      expected: (places[0] as Place).id,
      mayPass: this.places.map(({ id }) => id),
      reasons: wasDown ? ['recovered'] : ['failback'],
      ...(wasDown ? {} : { planned: true }),
      goal: wasDown ? 'next attempt to connect' : 'no error',
      expectedMs: this.settings.holdMs + (isLast ? 500 : this.timing.recoveryMs),
      reached: ({ requests }) => {
        const first = requests.next(false);
        const up = first.at.then((at) => {
          requests.allDown = this.timing.afterSwitch;
          return at;
        });
        return { at: up, forget: first.forget };
      },
      act: async ({ outages, watch }) => {
        const ids = places.map(({ id }) => id);
        await Promise.all(places.map(({ proxy }) => proxy.restore()));
        outages.end(...ids);
        if (!isLast) await watch.recovered(ids, 2 * this.timing.recoveryMs);
      },
    });
  }

  #step(step: Omit<AppStep, 'holdMs' | 'expectedMs'> & { expectedMs?: number }): AppStep {
    const { holdMs } = this.settings;
    const sign = step.expected === undefined ? 'first answer' : 'first good answer';
    return { holdMs, expectedMs: holdMs + 500, sign, ...step };
  }
}

/** Waits until the application reports that it has left `from`, and then responds. */
function switched({ recorder, requests }: AppStage, from: string): Reached {
  let forget = () => {};
  const moved = new Promise<number>((resolve) => {
    const onSwitch = ({ to, at }: { to: string | undefined; at: number }) => {
      if (to !== undefined && to !== from) resolve(at);
    };
    recorder.on('switch', onSwitch);
    forget = () => recorder.off('switch', onSwitch);
  });
  const at = moved.then(async (movedAt) => {
    const next = requests.next(false);
    forget = next.forget;
    await next.at;
    return movedAt;
  });
  return { at, forget: () => forget() };
}
