/**
 * The part of the driver contract for pub/sub: one connection that is used for subscriptions
 * alone, so that commands and subscriptions go together with every protocol version.
 */

/** Plain channels, patterns over them, and sharded channels. */
export type SubscriptionKind = 'channel' | 'pattern' | 'shard';

export const SUBSCRIPTION_KINDS: readonly SubscriptionKind[] = ['channel', 'pattern', 'shard'];
