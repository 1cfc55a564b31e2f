import type { CommandArgument } from '../../../core/command-argument.js';
import type { Part } from './attempt.js';

/** The connection that a command was sent over; it has a lane for each node. */
export interface NodeSender {
  /** Called by node-redis's cluster client: sends `args`, or the attempt itself, to one node. */
  sendTo(
    node: ClusterNode,
    args: readonly CommandArgument[],
    options: NodeSendOptions,
    asking?: boolean,
  ): Promise<unknown>;
}

/** Options that accompany a command through node-redis's cluster client to its node. */
export interface NodeSendOptions {
  readonly connection: NodeSender;
  readonly part: Part;
  /** The attempt itself is sent, whatever the arguments are. */
  readonly isWhole: boolean;
  /**
   * No other node executes anything for the part, although its arguments differ from the attempt's.
   */
  readonly isAll?: boolean;
  readonly typeMapping?: unknown;
  readonly asap?: boolean | undefined;
  /** Set by node-redis: the command belongs to the ASKING before it. */
  readonly chainId?: symbol;
}

/**
 * Takes the place of a node's client in node-redis's cluster client, and forwards each command to
 * the connection that it was sent over.
 */
export class ClusterNode {
  /** The latest attempt to connect to the node failed. */
  failing = false;
  /** Options with which node-redis connects to ask for the slots. */
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

  /** Read by node-redis's tracing. */
  get _clientId(): string {
    return this.address;
  }

  sendCommand(args: readonly CommandArgument[], options: NodeSendOptions): Promise<unknown> {
    if (options.part === undefined) {
      // node-redis sends the command in the same turn as its ASKING, so they go out together.
      this.#asking = options.chainId;
      return Promise.resolve('OK');
    }
    const asking = this.#asking !== undefined && this.#asking === options.chainId;
    if (asking) this.#asking = undefined;
    return options.connection.sendTo(this, args, options, asking);
  }
}
