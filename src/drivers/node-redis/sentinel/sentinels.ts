import type { Timer } from '../../../clock.js';
import { foreignError, foreignReason } from '../../../foreign/foreign-error.js';
import { ownError } from '../../../foreign/own-error.js';
import type { ResolvedSentinel } from '../../../options/types.js';
import type { DriverTime } from '../../driver.js';
import type { ConnectionNames, NamesInUse } from '../names-in-use.js';
import type { NodeRedisOptions } from '../options.js';
import {
  type Address,
  type AddressMap,
  type MasterAnswer,
  mapped,
  newest,
  votes,
} from './address.js';
import { askSentinel, type SentinelAnswer } from './ask.js';

/** Once one has answered, the others are waited for so long. */
const PATIENCE_MS = 100;
/** Where a master is known already, the first one is waited for so long. */
const SILENCE_MS = 300;
/** At most so many that others have told of are remembered. */
const MAX_LEARNED = 16;

/** The sentinels of one deployment: who is the master? */
export class Sentinels {
  /** The newest answer so far: for the time in which no sentinel answers. */
  master: MasterAnswer | undefined;
  #learned: readonly Address[] = [];

  constructor(
    readonly options: ResolvedSentinel,
    private readonly time: DriverTime,
    /** Of the database, sentinels included. */
    readonly names: Pick<NamesInUse, 'unwatched' | 'renewedBy'>,
    /** Told of the newest master, whenever a sentinel has named it. */
    private readonly onMaster: (master: Address) => void,
    private readonly ask = askSentinel,
  ) {}

  /** Where each can be reached, the configured ones first. */
  get addresses(): readonly Address[] {
    return [...this.options.sentinelRootNodes, ...this.#learned];
  }

  /** `names`: for its lookups. */
  optionsOf(address: Address, names: ConnectionNames): NodeRedisOptions {
    return withAddress(this.options.sentinelClientOptions, address, { RESP: 2, names });
  }

  /**
   * The master by the newest configuration that a sentinel knows. All are asked at once; it is
   * known when most of the configured ones agree, when all have answered, or shortly after the
   * first. With none to answer, the master of before is the best guess. Rejects when there is
   * none.
   */
  async find(signal: AbortSignal): Promise<Address> {
    const roots = this.options.sentinelRootNodes;
    let found = await this.#ask(roots, Math.floor(roots.length / 2) + 1, signal);
    if (found.answers.length === 0 && this.#learned.length > 0) {
      found = await this.#ask(this.#learned, 1, signal);
    }
    signal.throwIfAborted();
    const master = this.#judge(found.answers);
    if (master === undefined) throw this.#error(found);
    return this.#reachable(master);
  }

  /** A sentinel has announced another master: asks whether it is so. */
  async check(): Promise<void> {
    const abort = new AbortController();
    const timer = this.time.loop.after(5000, () => abort.abort(ownError('no answer in time')));
    await this.find(abort.signal).catch(() => {});
    timer.cancel();
  }

  #ask(nodes: readonly Address[], enough: number, signal: AbortSignal): Promise<Asked> {
    const { name } = this.options;
    const abort = new AbortController();
    const asked: Asked = { answers: [], errors: [] };
    return new Promise((resolve) => {
      let missing = nodes.length;
      let timer: Timer | undefined;
      const end = () => {
        timer?.cancel();
        signal.removeEventListener('abort', end);
        abort.abort(ownError('answered by others'));
        resolve(asked);
      };
      const onAnswer = ({ master, others }: SentinelAnswer) => {
        if (master === undefined) return asked.errors.push(ownError(`none knows "${name}"`));
        asked.answers.push(master);
        this.#remember(others);
        if (votes(asked.answers, master) >= enough) end();
        else if (asked.answers.length === 1) {
          timer?.cancel();
          timer = this.time.loop.after(PATIENCE_MS, end);
        }
        return undefined;
      };
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) return end();
      if (this.master !== undefined) timer = this.time.loop.after(SILENCE_MS, end);
      for (const node of nodes) {
        this.ask(this.optionsOf(node, this.names.unwatched), name, abort.signal)
          .then(onAnswer, (error: unknown) => asked.errors.push(error))
          .finally(() => {
            missing -= 1;
            if (missing === 0) end();
          });
      }
      return undefined;
    });
  }

  #remember(others: readonly Address[]): void {
    const taken = new Set(this.options.sentinelRootNodes.map(nameOf));
    const learned = [...others.map((each) => this.#reachable(each)), ...this.#learned];
    this.#learned = learned
      .filter((each) => !taken.has(nameOf(each)) && taken.add(nameOf(each)))
      .slice(0, MAX_LEARNED);
  }

  /** Where to connect to, and who has to hear of it. */
  #judge(answers: readonly MasterAnswer[]): MasterAnswer | undefined {
    const known = this.master;
    const best = newest(answers);
    if (best === undefined) return known;
    if (known === undefined || best.epoch > known.epoch) this.master = best;
    else if (votes(answers, known) === 0) {
      // Behind what is known, and all that can be tried: connections that live stay where they are.
      return best;
    }
    const { master } = this;
    this.onMaster(this.#reachable(master as MasterAnswer));
    // Under one epoch two names are one server: the known one, or it would change to and fro.
    return best.epoch === master?.epoch ? master : best;
  }

  #reachable(address: Address): Address {
    return mapped(address, this.options.nodeAddressMap as AddressMap);
  }

  #error({ errors }: Asked): Error {
    const [first] = errors;
    const reason = foreignReason(first ?? 'no answer');
    const message = `no sentinel reports the master of ${this.options.name}: ${reason}`;
    return ownError(message, first === undefined ? {} : { cause: foreignError(first) });
  }
}

interface Asked {
  readonly answers: MasterAnswer[];
  readonly errors: unknown[];
}

const nameOf = ({ host, port }: Address) => `${host}:${port}`;

/** Options of a connection to `address`; both are left as they are. */
export function withAddress(
  options: object,
  { host, port }: Address,
  over: NodeRedisOptions = {},
): NodeRedisOptions {
  const { socket, ...others } = options as NodeRedisOptions;
  return { ...others, ...over, socket: { ...socket, host, port } };
}
