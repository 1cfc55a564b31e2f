/** What operators do meanwhile. A call may be refused, but it ends. */
import type { MultiDbClient } from 'redis-multidb';
import { isMultiDbError } from 'redis-multidb';
import type { Draw } from '../simulation/draw.js';
import { baseOf } from './judge.js';
import type { Place } from './place.js';
import type { ChaosSettings } from './settings.js';
import { reach } from './topology.js';
import { pause } from './traffic.js';

/** No call waits for longer than a few probes and the end of a command. */
const LIMIT_MS = 15_000;

export async function manage(
  client: MultiDbClient,
  places: readonly Place[],
  { pool, masterPoolSize }: ChaosSettings,
  draw: Draw,
  isOver: () => boolean,
  note: (text: string) => void,
  onOverdue: (text: string) => void,
): Promise<void> {
  let added = 0;
  const optionsOf = (place: Place) => ({
    id: `${place.id}#${++added}`,
    weight: draw.between(0.1, 2),
    ...reach(place, pool, masterPoolSize),
  });
  const find = (id: string) => places.find((place) => place.id === baseOf(id)) as Place;
  const actions: (() => Promise<unknown> | unknown)[] = [
    () => client.setActiveDatabase(any()),
    () => client.forceActiveDatabase(any(), { durationMs: draw.integer(0, 500) }),
    () => client.setWeight(any(), draw.between(0.1, 2)),
    () => client.explain(),
    async () => {
      const id = any();
      await client.removeDatabase(id);
      await client.addDatabase(optionsOf(find(id)));
    },
    () => {
      const id = any();
      return client.replaceDatabase(id, optionsOf(find(id)));
    },
  ];
  const any = () => draw.one(client.databases).id;

  while (!isOver()) {
    await pause(draw.between(50, 900));
    if (isOver()) break;
    const action = draw.one(actions);
    const overdue = setTimeout(() => onOverdue(`${String(action)} has not ended`), LIMIT_MS);
    try {
      await Promise.race([action(), pause(LIMIT_MS + 100)]);
      note(`management: ${String(action).slice(0, 60).replaceAll(/\s+/g, ' ')}`);
    } catch (error) {
      if (!isMultiDbError(error)) throw error;
      note(`management: ${(error as Error).message}`);
    } finally {
      clearTimeout(overdue);
    }
  }
}
