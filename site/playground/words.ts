/** Events of the client in words. */
import type { MultiDbEventName, MultiDbEvents } from '../../src/events.js';
import type { TimelineEntry } from './world.js';

type Told = Pick<TimelineEntry, 'tone' | 'text'>;
type Tellers = { readonly [Name in MultiDbEventName]?: (event: MultiDbEvents[Name][0]) => Told };

const tellers: Tellers = {
  switch: ({ from, to, reason, cause, durationMs }) => ({
    tone: 'switch',
    text:
      `${from ?? 'none'} to ${to ?? 'none'}: ${reason}. ${cause}` +
      (durationMs > 0 ? `, ${Math.round(durationMs)} ms after the first sign` : ''),
  }),
  'database-unhealthy': ({ id, cause }) => ({ tone: 'bad', text: `${id} is unhealthy: ${cause}` }),
  'database-healthy': ({ id }) => ({ tone: 'good', text: `${id} is healthy` }),
  'breaker-open': ({ id, failures, total }) => ({
    tone: 'bad',
    text: `the circuit breaker of ${id} opens: ${failures} of ${total} commands failed`,
  }),
  'breaker-closed': ({ id }) => ({ tone: 'good', text: `the circuit breaker of ${id} closes` }),
  degraded: ({ id, cause }) => ({ tone: 'bad', text: `${id} is slow: ${cause}` }),
  'all-databases-down': () => ({
    tone: 'bad',
    text: 'no database can serve: commands fail at once',
  }),
  recovered: ({ id, downForMs }) => ({
    tone: 'good',
    text: `${id} serves again after ${Math.round(downForMs)} ms without a database`,
  }),
};

/** What the timeline says about an event; undefined if it says nothing. */
export function describe(name: MultiDbEventName, event: unknown): Told | undefined {
  return (tellers[name] as ((event: unknown) => Told) | undefined)?.(event);
}
