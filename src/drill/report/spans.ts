import type { SwitchRecord } from './model.js';

/** A time in which one database was active, or none. */
export interface Span {
  readonly id: string | undefined;
  readonly from: number;
  readonly to: number;
}

/** From the first switch to `endsAt`, without gaps. */
export function activeSpans(switches: readonly SwitchRecord[], endsAt: number): Span[] {
  return switches.map(({ to: id, at }, index) => ({
    id,
    from: at,
    to: switches[index + 1]?.at ?? Math.max(at, endsAt),
  }));
}
