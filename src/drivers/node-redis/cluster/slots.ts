import { createCluster } from '@redis/client';
import type { CommandArgument } from '../../../core/command-argument.js';
import { hashSlot, hashTagWhere } from '../../../core/hash-slot.js';
import { foreignError } from '../../../foreign/foreign-error.js';
import type { ResolvedCluster } from '../../../options/types.js';
import type { NamesInUse } from '../names-in-use.js';
import { API_SHAPING_OPTIONS, type NodeRedisOptions } from '../options.js';
import { ClusterNode, type NodeSendOptions } from './node.js';

/**
 * Longest silence of a node that is asked for the slots, in milliseconds; then the next one is
 * asked.
 */
const DISCOVERY_TIMEOUT_MS = 1000;

/** node-redis's own default. */
const MAX_REDIRECTIONS = 16;

/** A node as node-redis lists it. */
interface ListedNode {
  readonly address: string;
  readonly host: string;
  readonly port: number;
}

interface Shard {
  readonly master: ListedNode;
  readonly replicas?: readonly ListedNode[];
}

/** The parts of node-redis's slot map that are used; the same in versions 5 and 6. */
interface LibrarySlots {
  readonly slots: readonly (Shard | undefined)[];
  readonly masters: readonly ListedNode[];
  readonly replicas: readonly ListedNode[];
  readonly nodeByAddress: ReadonlyMap<string, ListedNode>;
  readonly isOpen: boolean;
  nodeClient(node: ListedNode): Promise<ClusterNode>;
  getMasterByAddress(address: string): Promise<ClusterNode | undefined>;
  getRandomNode(): ListedNode;
  mintCursorToken?(): string;
  rediscover(startWith: ClusterNode): Promise<void>;
}

interface LibraryCluster {
  readonly _slots: LibrarySlots;
  connect(): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): void;
  sendCommand(
    firstKey: CommandArgument | undefined,
    isReadonly: boolean,
    args: readonly CommandArgument[],
    options: NodeSendOptions,
  ): Promise<unknown>;
}

/**
 * The slots of one cluster and the nodes that serve them, shared by all connections to it. A
 * node-redis cluster client discovers, routes and redirects, but opens no connection to a node for
 * commands: each sender brings its own (`NodeSender`).
 */
export class ClusterSlots {
  readonly #library: LibraryCluster;
  readonly #slots: LibrarySlots;
  readonly #root: ClusterNode;
  readonly #nodes = new Map<string, ClusterNode>();
  /**
   * Nodes without slots that an ASK redirection named, and whether one did since the latest
   * discovery.
   */
  readonly #guests = new Map<string, { wasNamed: boolean }>();
  readonly #listeners = new Set<() => void>();
  readonly #nodeAddressMap: unknown;
  readonly #useReplicas: boolean;
  /** Maximum number of redirections that are followed for one command. */
  readonly maxRedirections: number;
  #opening: Promise<void> | undefined;
  #discovering: Promise<void> | undefined;
  #lastError: Error | undefined;
  #next = 0;
  #tags: { readonly owners: string; readonly tags: readonly string[] } | undefined;

  constructor(
    options: ResolvedCluster,
    /** Options of a connection to one node, without its address. */
    private readonly nodeOptions: NodeRedisOptions & { readonly names: NamesInUse },
    mintCursor: () => string,
  ) {
    this.#nodeAddressMap = options.nodeAddressMap;
    this.#useReplicas = options.useReplicas === true;
    this.maxRedirections =
      (options.maxCommandRedirections as number | undefined) ?? MAX_REDIRECTIONS;
    this.#library = createCluster(
      likeAllOthers({
        rootNodes: options.rootNodes.map((root) => this.#discoveryOptions(root)),
        defaults: this.#discoveryOptions(nodeOptions),
        minimizeConnections: true,
        useReplicas: this.#useReplicas,
        ...present(options, ['maxCommandRedirections', 'nodeAddressMap']),
        ...(nodeOptions.RESP === undefined ? {} : { RESP: nodeOptions.RESP }),
      }) as never,
    ) as unknown as LibraryCluster;
    this.#library.on('error', (error) => {
      this.#lastError = foreignError(error);
    });
    this.#slots = this.#library._slots;
    this.#root = Object.assign(new ClusterNode('', '', 0, undefined), {
      options: this.#discoveryOptions(options.rootNodes[0] as NodeRedisOptions),
    });
    this.#takeOver(mintCursor);
  }

  get masters(): ClusterNode[] {
    return this.#slots.masters.map((node) => this.#node(node));
  }

  /**
   * Addresses of the listed nodes, including replicas if those are used, and of nodes that are
   * about to get their first slots.
   */
  get addresses(): ReadonlySet<string> {
    return new Set([...this.#slots.nodeByAddress.keys(), ...this.#guests.keys()]);
  }

  get known(): boolean {
    return this.#slots.masters.length > 0;
  }

  isReplica(node: ClusterNode): boolean {
    return (
      this.#useReplicas && this.#slots.replicas.some(({ address }) => address === node.address)
    );
  }

  byAddress(address: string): ClusterNode | undefined {
    const node = this.#slots.nodeByAddress.get(address);
    return node && this.#node(node);
  }

  /** At most `count` masters, the reachable ones first, in rotation. */
  someMasters(count: number): ClusterNode[] {
    const { masters } = this;
    this.#next += 1;
    const turned = masters.map((_, i) => masters[(i + this.#next) % masters.length] as ClusterNode);
    const [well, failing] = [turned.filter((n) => !n.failing), turned.filter((n) => n.failing)];
    return [...well, ...failing].slice(0, count);
  }

  /** Whether a reply to CLUSTER SLOTS agrees with what is known about every slot. */
  agrees(told: unknown): boolean {
    if (!Array.isArray(told)) return false;
    let slots = 0;
    for (const [from, to, master] of told as [number, number, unknown[]][]) {
      const port = Number(master?.[1]);
      for (let slot = Number(from); slot <= Number(to); slot += 1) {
        slots += 1;
        const known = this.#slots.slots[slot]?.master;
        if (known?.port !== port || String(known.host) !== String(master?.[0])) return false;
      }
    }
    return slots === this.#slots.slots.filter((shard) => shard !== undefined).length;
  }

  /** The master of a slot; `undefined` if no node serves it. */
  ownerOf(slot: number): ClusterNode | undefined {
    const shard = this.#slots.slots[slot];
    return shard && this.#node(shard.master);
  }

  /** One hash tag per master. */
  get hashTags(): readonly string[] {
    const owners = this.#slots.masters.map(({ address }) => address).join(' ');
    const slots = this.#slots.slots;
    if (this.#tags?.owners !== owners || !this.#stillApart(this.#tags.tags)) {
      const served = new Set(slots.map((shard) => shard?.master.address).filter(Boolean));
      const tags = this.#slots.masters
        .filter(({ address }) => served.has(address))
        .map(({ address }) => hashTagWhere((slot) => slots[slot]?.master.address === address));
      this.#tags = { owners, tags };
    }
    return this.#tags.tags;
  }

  /** Calls back whenever the nodes or their slots may have changed, until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the slots are known. Rejects when no node returns them. */
  async open(): Promise<void> {
    if (this.#opening === undefined && this.known) return;
    this.#opening ??= this.#firstLook().finally(() => {
      this.#opening = undefined;
      this.#tell();
    });
    await this.#opening;
  }

  /** Asks for the slots again, starting with `first`. Rejects when no node returns them. */
  async rediscover(first?: ClusterNode): Promise<void> {
    if (this.#opening !== undefined || !this.known) return this.open();
    const [from] = first === undefined ? this.someMasters(1) : [first];
    await this.#slots.rediscover(from as ClusterNode);
  }

  /**
   * Sends a command to the node of its first key, or to any master if it has none. Redirections are
   * followed.
   */
  send(
    key: CommandArgument | undefined,
    isReadonly: boolean,
    args: readonly CommandArgument[],
    options: NodeSendOptions,
  ): Promise<unknown> {
    if (key === undefined) return this.#library.sendCommand(undefined, false, args, options);
    const slot = hashSlot(key);
    // If no node serves the slot, any node replies with that error.
    const routed = this.#slots.slots[slot] === undefined ? undefined : routingKey(key, slot);
    return this.#library.sendCommand(routed, isReadonly, args, options);
  }

  /** Options of a connection to the node. */
  optionsOf(node: ClusterNode, readonly: boolean): NodeRedisOptions {
    const mapped = mapAddress(this.#nodeAddressMap, node.address);
    const socket = { ...this.nodeOptions.socket, host: node.host, port: node.port, ...mapped };
    return { ...this.nodeOptions, socket, ...(readonly ? { readonly } : {}) } as NodeRedisOptions;
  }

  async #firstLook(): Promise<void> {
    try {
      // node-redis counts as open from the first discovery on, even if no slot was assigned by
      // then.
      if (this.#slots.isOpen) await this.#slots.rediscover(this.#root);
      else await this.#library.connect();
    } catch (error) {
      throw this.#explained(error as Error);
    }
    if (!this.known) throw new NoNodeError('no node serves any slot of the cluster');
  }

  /**
   * Replaces node-redis's own connection handling, by overriding methods that all its parts call on
   * this object.
   */
  #takeOver(mintCursor: () => string): void {
    const slots = this.#slots as { -readonly [K in keyof LibrarySlots]: LibrarySlots[K] };
    const { rediscover, getRandomNode } = slots;
    if (typeof slots.nodeClient !== 'function' || typeof rediscover !== 'function') {
      throw new Error(
        'this version of @redis/client is not supported: its cluster client has changed',
      );
    }
    slots.nodeClient = (node) => Promise.resolve(this.#node(node));
    slots.getMasterByAddress = (address) => {
      const listed = slots.nodeByAddress.get(address);
      return Promise.resolve(listed === undefined ? this.#guest(address) : this.#node(listed));
    };
    slots.getRandomNode = () => {
      const { masters } = slots;
      for (let tries = 0; tries < masters.length; tries += 1) {
        this.#next = (this.#next + 1) % masters.length;
        const node = masters[this.#next] as ListedNode;
        if (!this.#node(node).failing) return node;
      }
      return masters[this.#next] ?? getRandomNode.call(slots);
    };
    slots.rediscover = (startWith) => {
      this.#discovering ??= rediscover
        .call(slots, startWith)
        .catch((error: Error) => {
          throw this.#explained(error);
        })
        .finally(() => {
          this.#discovering = undefined;
          this.#tell();
        });
      return this.#discovering;
    };
    // node-redis counts its cursors from 1 in each cluster client, so they would collide.
    if (slots.mintCursorToken !== undefined) slots.mintCursorToken = mintCursor;
  }

  #node({ address, host, port }: ListedNode): ClusterNode {
    let node = this.#nodes.get(address);
    if (node === undefined) {
      node = new ClusterNode(address, host, port, mapAddress(this.#nodeAddressMap, address));
      this.#nodes.set(address, node);
    }
    return node;
  }

  /** A node takes keys before it has its first slot, and is listed only with it. */
  #guest(address: string): ClusterNode | undefined {
    const colon = address.lastIndexOf(':');
    const [host, port] = [address.slice(0, colon), Number(address.slice(colon + 1))];
    if (host === '' || !(port > 0)) return undefined;
    this.#guests.set(address, { wasNamed: true });
    return this.#node({ address, host, port });
  }

  #stillApart(tags: readonly string[]): boolean {
    const owners = new Set(tags.map((tag) => this.#slots.slots[hashSlot(tag)]?.master.address));
    return owners.size === tags.length && !owners.has(undefined);
  }

  #tell(): void {
    for (const [address, guest] of this.#guests) {
      if (this.#slots.nodeByAddress.has(address) || !guest.wasNamed) this.#guests.delete(address);
      guest.wasNamed = false;
    }
    const { addresses } = this;
    for (const address of this.#nodes.keys()) {
      if (!addresses.has(address)) this.#nodes.delete(address);
    }
    for (const listener of [...this.#listeners]) listener();
  }

  #discoveryOptions(options: NodeRedisOptions): NodeRedisOptions {
    return discovering(options, this.nodeOptions.names);
  }

  /** Adds the cause: node-redis only reports that no node returned the slots. */
  #explained(error: Error): Error {
    if (error instanceof NoNodeError) return error;
    const cause = this.#lastError ?? foreignError(error);
    return new NoNodeError(`no node returned the slots of the cluster: ${cause.message}`, {
      cause,
    });
  }
}

/** No node of the cluster returned its slots. */
export class NoNodeError extends Error {}

/**
 * Gives all options the same JSON. node-redis builds a class with every command, which blocks the
 * event loop for 30 ms, whenever the JSON of its options differs from that of the call before. Only
 * the option that shapes the class needs to differ.
 */
function likeAllOthers<Options extends { readonly RESP?: unknown }>(options: Options): Options {
  return Object.defineProperty(options, 'toJSON', { value: () => `RESP ${options.RESP}` });
}

/** Options for the connections of a discovery; each ends when its node is silent. */
function discovering(options: NodeRedisOptions, names: NamesInUse): NodeRedisOptions {
  const { socket, ...others } = options as Record<string, unknown> & NodeRedisOptions;
  const own: Record<string, unknown> = { ...others };
  for (const key of [...API_SHAPING_OPTIONS, 'pingInterval', 'commandsQueueMaxLength']) {
    delete own[key];
  }
  delete own.names;
  return {
    ...own,
    maintNotifications: 'disabled',
    socket: {
      ...socket,
      lookup: names.unwatched.hook(socket?.lookup, new AbortController().signal).lookup,
      connectTimeout: Math.min(
        socket?.connectTimeout || DISCOVERY_TIMEOUT_MS,
        DISCOVERY_TIMEOUT_MS,
      ),
      socketTimeout: DISCOVERY_TIMEOUT_MS,
      reconnectStrategy: false,
    },
  } as NodeRedisOptions;
}

/**
 * Replaces keys that node-redis misreads: it takes an empty key for none, and version 5 misreads an
 * empty hash tag.
 */
function routingKey(key: CommandArgument, slot: number): CommandArgument {
  if (key.length > 0 && !key.includes('{}')) return key;
  return hashTagWhere((each) => each === slot);
}

function mapAddress(map: unknown, address: string): { host: string; port: number } | undefined {
  if (typeof map === 'function') return map(address);
  return (map as Record<string, { host: string; port: number }> | undefined)?.[address];
}

function present(options: ResolvedCluster, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  );
}
