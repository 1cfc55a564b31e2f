import { foreignText } from '../../../foreign/foreign-text.js';
import { ownError } from '../../../foreign/own-error.js';

/** Whether a node's view of its cluster says that every slot is served. */

/** Throws an error that describes the problem. `info` is the reply to CLUSTER INFO. */
export function checkCoverage(info: string, address: string): void {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const state = field('cluster_state');
  const assigned = Number(field('cluster_slots_assigned'));
  if (assigned < 16_384) {
    const missing = 16_384 - assigned;
    const slots = missing === 1 ? 'slot is' : 'slots are';
    throw ownError(`${missing} ${slots} not served (asked ${address})`);
  }
  if (state !== undefined && state !== 'ok') {
    throw ownError(`cluster_state:${foreignText(state, 40)} (asked ${address})`);
  }
}
