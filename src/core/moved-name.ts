/**
 * Determines whether a host name has moved away from an address, by the answers to repeated
 * lookups.
 *
 * One answer proves nothing: round-robin DNS and load balancers return changing subsets of their
 * addresses, and a resolver can be wrong once. A name has moved when `required` answers in a row
 * hold the same set of addresses, in any order, without the address in question. Each answer that
 * differs from the one before restarts the count, so a name whose answers keep changing never
 * moves.
 *
 * `required` is 3 at first. An address that returns after `n` answers shows that the name rotates:
 * from then on `required` is 2(n + 1), at most 20. A longer absence is a move there and back.
 */
export const MIN_AGREEING_ANSWERS = 3;
export const MAX_AGREEING_ANSWERS = 20;

/** Immutable; what the answers to the lookups of one name have shown. */
export interface NameHistory {
  /** The latest answer, sorted. */
  readonly addresses: readonly string[];
  /** How many answers in a row were this one. */
  readonly agreeing: number;
  /** Answers in a row that must agree. */
  readonly required: number;
  /** Monotonic milliseconds of the latest answer that counted. */
  readonly countedAt: number;
  /** Since how many answers each address is missing that was in a recent one. */
  readonly missing: ReadonlyMap<string, number>;
}

/**
 * The history with one more answer. An empty answer changes nothing, nor does one that comes less
 * than `minDistanceMs` after the last counted one, because it may be cached.
 */
export function withAnswer(
  before: NameHistory | undefined,
  answer: readonly string[],
  now: number,
  minDistanceMs: number,
): NameHistory | undefined {
  const addresses = [...new Set(answer)].sort();
  if (addresses.length === 0) return before;
  if (before === undefined) {
    const missing = new Map<string, number>();
    return { addresses, agreeing: 1, required: MIN_AGREEING_ANSWERS, countedAt: now, missing };
  }
  if (now - before.countedAt < minDistanceMs) return before;
  const missing = new Map<string, number>();
  for (const address of before.addresses) {
    if (!addresses.includes(address)) missing.set(address, 1);
  }
  let { required } = before;
  for (const [address, since] of before.missing) {
    if (addresses.includes(address)) {
      required = Math.max(required, Math.min(2 * (since + 1), MAX_AGREEING_ANSWERS));
    } else if (since < MAX_AGREEING_ANSWERS) missing.set(address, since + 1);
  }
  const agrees = addresses.join() === before.addresses.join();
  const agreeing = agrees ? before.agreeing + 1 : 1;
  return { addresses, agreeing, required, countedAt: now, missing };
}

/** The name no longer leads to any of `addresses`, one of which is the connected address. */
export function hasMovedFrom(
  { addresses, agreeing, required }: NameHistory,
  connected: readonly string[],
): boolean {
  return (
    agreeing >= required &&
    connected.length > 0 &&
    connected.every((address) => !addresses.includes(address))
  );
}
