import type { CommandArgument } from '../../../core/command-argument.js';
import type { Part } from './attempt.js';

/** The connection that a command came with: it has a lane for each node. */
export interface NodeSender {
  /** From node-redis's cluster client: `args`, or the attempt itself, to one node. */
  sendTo(
    node: ClusterNode,
    args: readonly CommandArgument[],
    options: NodeSendOptions,
    asking?: boolean,
  ): Promise<unknown>;
}

/** What a command carries through node-redis's cluster client to its node. */
export interface NodeSendOptions {
  readonly connection: NodeSender;
  readonly part: Part;
  /** The node is given the attempt itself, whatever the arguments are. */
  readonly isWhole: boolean;
  /** No other node has a share in the part, though its arguments are not the attempt's. */
  readonly isAll?: boolean;
  readonly typeMapping?: unknown;
  readonly asap?: boolean | undefined;
  /** Of node-redis: goes with the ASKING before it. */
  readonly chainId?: symbol;
}

/**
 * Stands in node-redis's cluster client for its client of a node, and hands what it is given to
 * the connection that the command came with.
 */
export class ClusterNode {
  /** Its latest connection could not be made. */
  failing = false;
  /** Where node-redis asks for the slots. */
  readonly options: object;
  #asking: symbol | undefined;

  constructor(
    readonly address: string,
    readonly host: string,
    readonly port: number,
    mapped: { host: string; port: number } | undefined,
  ) {
    this.options = { socket: { ...(mapped ?? { host, port }) } };
  }

  /** For node-redis's tracing. */
  get _clientId(): string {
    return this.address;
  }

  sendCommand(args: readonly CommandArgument[], options: NodeSendOptions): Promise<unknown> {
    if (options.part === undefined) {
      // ASKING, and in the same turn what it is for: they are sent together then.
      this.#asking = options.chainId;
      return Promise.resolve('OK');
    }
    const asking = this.#asking !== undefined && this.#asking === options.chainId;
    if (asking) this.#asking = undefined;
    return options.connection.sendTo(this, args, options, asking);
  }
}
