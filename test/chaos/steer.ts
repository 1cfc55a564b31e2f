/** An operator who steers all clients by documents in the databases, while faults go on. */
import { documentOf, STEERING_ACTIONS, type SteeringOrder } from '../../src/core/steering/order.js';
import type { Draw } from '../simulation/draw.js';
import type { Place } from './place.js';
import { pause } from './traffic.js';

export const STEERING_KEY = 'ops:steering';

/** Drains, holds, stops failbacks and releases, each at once or spread over some time. */
export async function steer(
  places: readonly Place[],
  draw: Draw,
  isOver: () => boolean,
  note: (text: string) => void,
): Promise<void> {
  for (let version = 1; ; version += 1) {
    await pause(draw.between(100, 1500));
    if (isOver()) return;
    const order: SteeringOrder = {
      action: draw.one(STEERING_ACTIONS),
      databaseId: draw.one(places).id,
      force: draw.chance(0.2),
      durationMs: draw.chance(0.5) ? draw.integer(50, 3000) : undefined,
      spreadMs: draw.chance(0.6) ? draw.integer(1, 1500) : undefined,
    };
    const about = { version, by: 'chaos', reason: order.action };
    const text = JSON.stringify(documentOf(order, about, Date.now()));
    note(`steering ${version}: ${JSON.stringify(order)}`);
    // Any one database is enough. One that is down, frozen or a replica does not get it.
    for (const place of places) {
      if (!place.answers || draw.chance(0.3)) continue;
      await Promise.race([
        place.server.command('SET', STEERING_KEY, text).catch(() => {}),
        pause(100),
      ]);
    }
  }
}
