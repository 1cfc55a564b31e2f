import { randomBytes } from 'node:crypto';
import type { Probe, ProbeTarget } from './strategy.js';

/** A database that takes part, and the canaries that have arrived there. */
export interface CanaryEndpoint {
  readonly target: ProbeTarget;
  /** `<shard> <id of the database from which it comes>`. */
  readonly arrived: Set<string>;
  /** Called at every arrival. */
  readonly watchers: Set<() => void>;
  /** Made at the first need; `false`: it could not be published. */
  published: Promise<boolean> | undefined;
}

/** Messages of one probe between databases, over channels that no other probe uses. */
export class Canary {
  readonly #channels: readonly string[];

  constructor(
    private readonly probe: Probe,
    /** How long one may be in progress. */
    private readonly toleranceMs: number,
    channelPrefix: string,
  ) {
    const unique = channelPrefix + randomBytes(12).toString('hex');
    this.#channels = probe.shardTags?.map((tag) => `${unique}:{${tag}}`) ?? [unique];
  }

  /** Resolves when messages to `target` are observed, if requested. */
  async open(target: ProbeTarget, listens: boolean): Promise<CanaryEndpoint> {
    const arrived = new Set<string>();
    const watchers = new Set<() => void>();
    const subscribe = (channel: string, shard: number) =>
      target.subscribe(channel, (from) => {
        arrived.add(`${shard} ${from}`);
        for (const watcher of [...watchers]) watcher();
      });
    if (listens) await Promise.all(this.#channels.map(subscribe));
    return { target, arrived, watchers, published: undefined };
  }

  /** `undefined` when that takes longer than the tolerance, or fails. */
  openIfReachable(target: ProbeTarget, listens: boolean): Promise<CanaryEndpoint | undefined> {
    return Promise.race([
      this.open(target, listens).catch(() => undefined),
      this.probe.wait(this.toleranceMs).then(() => undefined),
    ]);
  }

  /** Rejects when it can't be published. */
  async publish(from: CanaryEndpoint): Promise<void> {
    const { databaseId } = from.target;
    await Promise.all(
      this.#channels.map((channel) => from.target.sendCommand(['PUBLISH', channel, databaseId])),
    );
  }

  /** As `publish`, once; `false` when that takes longer than the tolerance, or fails. */
  publishIfReachable(from: CanaryEndpoint): Promise<boolean> {
    from.published ??= Promise.race([
      this.publish(from).then(
        () => true,
        () => false,
      ),
      this.probe.wait(this.toleranceMs).then(() => false),
    ]);
    return from.published;
  }

  /** Whether all canaries of `from` arrive at `to`, at the latest after the tolerance. */
  arrives(from: CanaryEndpoint, to: CanaryEndpoint): Promise<boolean> {
    const isComplete = () =>
      this.#channels.every((_, shard) => to.arrived.has(`${shard} ${from.target.databaseId}`));
    let watcher = () => {};
    const complete = new Promise<boolean>((resolve) => {
      watcher = () => isComplete() && resolve(true);
      to.watchers.add(watcher);
      watcher();
    });
    const late = this.probe.wait(this.toleranceMs).then(() => isComplete());
    return Promise.race([complete, late]).finally(() => to.watchers.delete(watcher));
  }
}
