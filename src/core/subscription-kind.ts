/**
 * The part of the driver contract for pub/sub: a connection for subscriptions only, so that
 * commands and subscriptions work side by side with every protocol version.
 */

/** Plain channels, patterns over them, and sharded channels. */
export type SubscriptionKind = 'channel' | 'pattern' | 'shard';

export const SUBSCRIPTION_KINDS: readonly SubscriptionKind[] = ['channel', 'pattern', 'shard'];
