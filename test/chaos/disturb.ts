/** Faults in random order: each database has its own, and now and then two have one at once. */
import { seededRandom } from 'redis-multidb/testing';
import { Draw } from '../simulation/draw.js';
import { FAULTS, type Fault } from './faults.js';
import type { Place } from './place.js';
import { pause } from './traffic.js';

type Note = (text: string) => void;

/** Resolves, for each database, when `isOver` and the database has recovered. */
export function disturb(
  places: readonly Place[],
  draw: Draw,
  isOver: () => boolean,
  count: Note,
  note: Note,
): Promise<void>[] {
  // The schedule is drawn beforehand, so that it does not depend on the time that things take.
  return places.map((place, index) => play(place, schedule(draw, index), isOver, count, note));
}

interface Round {
  readonly quietMs: number;
  /** One after the other, all together healed at the end. */
  readonly faults: readonly { readonly fault: Fault; readonly forMs: number }[];
  readonly draw: Draw;
}

function* schedule(draw: Draw, index: number): Generator<Round> {
  const own = fork(draw);
  for (;;) {
    const count = own.one([1, 1, 1, 2, 3]);
    yield {
      // The first choice is left in peace less often.
      quietMs: own.between(5, own.one([50, 200, 600])) * (1 + index / 2),
      faults: Array.from({ length: count }, () => ({
        fault: own.one(FAULTS),
        forMs: own.between(1, own.one([50, 300, 800])),
      })),
      draw: fork(own),
    };
  }
}

async function play(
  place: Place,
  rounds: Generator<Round>,
  isOver: () => boolean,
  count: Note,
  note: Note,
): Promise<void> {
  for (const { quietMs, faults, draw } of rounds) {
    await until(quietMs, isOver);
    if (isOver()) break;
    for (const { fault, forMs } of faults) {
      if (fault.byCommand && !place.answers) continue;
      if (fault.applies?.(place) === false) continue;
      if (fault.notOnClusters && place.topology === 'cluster') continue;
      note(`${place.id}: ${fault.name}`);
      count(fault.name);
      try {
        if (fault.byCommand) await place.prepare();
        await fault.begin(place, draw);
      } catch (error) {
        note(`${place.id}: ${fault.name} failed: ${String(error)}`);
      }
      await until(forMs, isOver);
    }
    await place.heal();
    note(`${place.id}: well`);
  }
  await place.heal();
}

/** A stream of its own, so that who draws when changes nothing. */
function fork(draw: Draw): Draw {
  return new Draw(seededRandom(draw.integer(0, 2 ** 31)));
}

async function until(ms: number, isOver: () => boolean): Promise<void> {
  const end = performance.now() + ms;
  while (!isOver() && performance.now() < end) {
    await pause(Math.min(20, Math.max(1, end - performance.now())));
  }
}
