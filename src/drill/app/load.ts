/** The requests of an application's callers, and their rate. */
import type { Rate } from '../load/pace.js';
import type { Application } from './application.js';
import type { AppRequest } from './requests.js';

export interface AppLoad {
  readonly requests: readonly AppRequest[];
  readonly rate: Rate;
  /** No requests were given, so the application's status is requested instead. */
  readonly isAskedOnly: boolean;
}

const ASKED: Rate = { callers: 1, ratePerSecond: 20 };

export function loadOf(
  { requests, status }: Application,
  { callers, ratePerSecond }: Rate,
): AppLoad {
  if (requests.length > 0)
    return { requests, rate: { callers, ratePerSecond }, isAskedOnly: false };
  const readiness = { method: 'GET', url: `${status}/readyz` };
  return { requests: [readiness], rate: ASKED, isAskedOnly: true };
}
