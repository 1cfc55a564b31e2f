import { isMultiDbError } from '../../src/errors.js';
import type { SimulatedClient, SimulatedDatabase } from '../../src/testing/index.js';
import type { Draw } from './draw.js';
import { CRASH } from './faults.js';
import type { RouteJudge } from './route-judge.js';
import type { Place, World } from './world.js';

const MAX_DATABASES = 5;

const ACTIONS = [
  'weight',
  'weight',
  'manual',
  'forced',
  'add',
  'remove',
  'drain',
  'drain',
  'resume',
  'replace',
] as const;

/** One call of management, while everything else goes on. */
export function manage(
  client: SimulatedClient,
  world: World,
  draw: Draw,
  judge: RouteJudge,
  note: (text: string) => void,
  member: (place: Place) => SimulatedDatabase,
): void {
  const { present } = world;
  const { id } = draw.one(present);
  const tell = (what: string, done: Promise<unknown>) => {
    note(`${what} ...`);
    done.then(
      () => note(`${what}: done`),
      (error) => {
        note(`${what}: ${error}`);
        if (!isMultiDbError(error)) throw error;
      },
    );
  };
  switch (draw.one(ACTIONS)) {
    case 'weight': {
      const weight = draw.one([0.25, 0.5, 1, 2]);
      note(`setWeight ${id} ${weight}`);
      client.setWeight(id, weight);
      break;
    }
    case 'manual':
      tell(
        `setActiveDatabase ${id}`,
        client.setActiveDatabase(id).then(() => {
          judge.onChosen(id, 0);
        }),
      );
      break;
    case 'forced': {
      const durationMs = draw.one([1000, 20_000, 90_000]);
      tell(
        `forceActiveDatabase ${id} for ${durationMs} ms`,
        client.forceActiveDatabase(id, { durationMs }).then(() => {
          judge.onChosen(id, world.clock.now() + durationMs);
        }),
      );
      break;
    }
    case 'add': {
      if (present.length >= MAX_DATABASES) break;
      const place = world.add();
      tell(`addDatabase ${place.id}`, client.addDatabase(member(place)));
      break;
    }
    case 'drain': {
      const durationMs = draw.one([5000, 60_000, Number.POSITIVE_INFINITY]);
      const before = judge.drainedUntil(id);
      const wasActive = client.activeDatabase === id;
      // Before the call: it leads to a switch that is judged.
      judge.onDrained(id, world.clock.now() + durationMs);
      judge.pendingDrains += 1;
      const draining = client.drainDatabase(id, { durationMs }).finally(() => {
        judge.pendingDrains -= 1;
      });
      tell(
        `drainDatabase ${id} for ${durationMs} ms`,
        draining.then(
          () => {
            // Begins when the successor has answered, which a blocked event loop can delay.
            judge.onDrained(id, world.clock.now() + durationMs);
            judge.onLeftByHand(wasActive);
          },
          (error) => {
            judge.onDrained(id, before);
            throw error;
          },
        ),
      );
      break;
    }
    case 'resume': {
      const drained = present.filter((place) => judge.drainedUntil(place.id) > world.clock.now());
      const target = drained.length > 0 ? draw.one(drained).id : id;
      judge.onDrained(target, 0);
      note(`resumeDatabase ${target}: ${client.resumeDatabase(target)}`);
      break;
    }
    case 'replace': {
      const old = world.find(id);
      const place = world.add(id);
      if (draw.chance(0.25)) world.begin(place, CRASH, draw.between(500, 30_000));
      tell(
        `replaceDatabase ${id}`,
        client.replaceDatabase(id, member(place)).then(
          () => {
            old.removed = true;
          },
          (error) => {
            place.removed = true;
            throw error;
          },
        ),
      );
      break;
    }
    case 'remove': {
      if (present.length <= 2) break;
      const place = world.find(id);
      tell(
        `removeDatabase ${id}`,
        client.removeDatabase(id).then(() => {
          place.removed = true;
          judge.onDrained(id, 0);
        }),
      );
    }
  }
}
