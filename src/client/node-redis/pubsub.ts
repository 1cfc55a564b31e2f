import type { SubscriptionKind } from '../../core/subscription-kind.js';
import type { MessageMode, PubSubListener } from '../../core/wanted-subscriptions.js';
import { PUBSUB_TYPE } from '../../drivers/node-redis/client-subscriber.js';
import type { DeferredRejections } from '../../runtime/deferred-rejections.js';
import type { Subscriptions } from '../../runtime/pubsub/subscriptions.js';
import { rejectingWithCounterpart } from './counterpart-errors.js';

/** The listeners of one channel or pattern, as node-redis records them. */
interface ChannelListeners {
  readonly unsubscribing: boolean;
  readonly buffers: Set<PubSubListener>;
  readonly strings: Set<PubSubListener>;
}

type Names = string | readonly string[];

/** By the name of the type in node-redis. */
const KINDS = new Map<unknown, SubscriptionKind>(
  Object.entries(PUBSUB_TYPE).map(([kind, type]) => [type, kind as SubscriptionKind]),
);

/**
 * The pub/sub members of a node-redis client, with its signatures, over the subscriptions of one
 * client. Invalid arguments reject with a `TypeError`.
 */
export function pubSubMembers(
  subscriptions: Subscriptions,
  rejections: Pick<DeferredRejections, 'wrap'>,
): Record<string, unknown> {
  const subscribe = (kind: SubscriptionKind) =>
    rejections.wrap(
      async (channels: Names, listener: PubSubListener, bufferMode?: boolean): Promise<void> => {
        const names = checkedNames(channels);
        const mode = modeOf(bufferMode);
        await rejectingWithCounterpart(
          subscriptions.subscribe(kind, names, checkedListener(listener), mode),
        );
      },
    );
  const unsubscribe = (kind: SubscriptionKind) =>
    rejections.wrap(
      async (channels?: Names, listener?: PubSubListener, bufferMode?: boolean): Promise<void> => {
        const names =
          channels === undefined || channels === null ? undefined : checkedNames(channels);
        if (listener !== undefined) checkedListener(listener);
        await subscriptions.unsubscribe(kind, names, listener, modeOf(bufferMode));
      },
    );
  const extend = rejections.wrap(
    async (type: unknown, all: Iterable<[string, ChannelListeners]>) => {
      const kind = checkedKind(type);
      const names: Record<MessageMode, Map<PubSubListener, string[]>> = {
        strings: new Map(),
        buffers: new Map(),
      };
      for (const [name, listeners] of all) {
        for (const mode of ['strings', 'buffers'] as const) {
          for (const listener of listeners[mode]) {
            const known = names[mode].get(checkedListener(listener));
            if (known === undefined) names[mode].set(listener, checkedNames(name));
            else known.push(...checkedNames(name));
          }
        }
      }
      const calls = (['strings', 'buffers'] as const).flatMap((mode) =>
        [...names[mode]].map(([listener, channels]) =>
          subscriptions.subscribe(kind, channels, listener, mode),
        ),
      );
      await rejectingWithCounterpart(Promise.all(calls));
    },
  );

  const members: Record<string, unknown> = {
    get isPubSubActive() {
      return subscriptions.wanted.size > 0;
    },
    getPubSubListeners: (type: unknown) =>
      new Map(
        [...subscriptions.wanted.entries(checkedKind(type))].map(([name, entry]) => [
          name,
          {
            unsubscribing: false,
            buffers: new Set(entry.buffers.keys()),
            strings: new Set(entry.strings.keys()),
          },
        ]),
      ),
    extendPubSubListeners: extend,
    extendPubSubChannelListeners: (type: unknown, name: string, listeners: ChannelListeners) =>
      extend(type, [[name, listeners]]),
  };
  const kinds = [
    ['', 'subscribe', 'channel'],
    ['p', 'Subscribe', 'pattern'],
    ['s', 'Subscribe', 'shard'],
  ] as const;
  for (const [prefix, name, kind] of kinds) {
    const opposite = `${prefix}${prefix === '' ? 'unsubscribe' : 'Unsubscribe'}`;
    for (const key of [`${prefix}${name}`, `${prefix}${name}`.toUpperCase()]) {
      members[key] = subscribe(kind);
    }
    for (const key of [opposite, opposite.toUpperCase()]) members[key] = unsubscribe(kind);
  }
  return members;
}

function modeOf(bufferMode: boolean | undefined): MessageMode {
  return bufferMode ? 'buffers' : 'strings';
}

function checkedNames(channels: Names): string[] {
  const names = Array.isArray(channels) ? [...channels] : [channels];
  for (const name of names) {
    if (typeof name !== 'string') throw new TypeError('channels: expected strings');
  }
  return names;
}

function checkedListener(listener: PubSubListener): PubSubListener {
  if (typeof listener !== 'function') throw new TypeError('listener: expected a function');
  return listener;
}

function checkedKind(type: unknown): SubscriptionKind {
  const kind = KINDS.get(type);
  if (kind === undefined) {
    throw new TypeError(`type: expected ${[...KINDS.keys()].join(', ')}`);
  }
  return kind;
}
