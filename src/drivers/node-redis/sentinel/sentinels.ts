import type { Timer } from '../../../clock.js';
import { foreignError, foreignReason } from '../../../foreign/foreign-error.js';
import { ownError } from '../../../foreign/own-error.js';
import type { ResolvedSentinel } from '../../../options/types.js';
import type { DriverTime } from '../../driver.js';
import type { ConnectionNames, NamesInUse } from '../names-in-use.js';
import { type NodeRedisOptions, withAddress } from '../options.js';
import {
  type Address,
  type AddressMap,
  type MasterAnswer,
  mapped,
  newest,
  votes,
} from './address.js';
import { askSentinel, type SentinelAnswer } from './ask.js';

/** How long to wait for the other Sentinels once one has replied. */
const PATIENCE_MS = 100;
/** How long to wait for the first reply if a master is known already. */
const SILENCE_MS = 300;
/** Maximum number of Sentinels learned from others that are remembered. */
const MAX_LEARNED = 16;

/** The Sentinels of one deployment; finds the current master. */
export class Sentinels {
  /** The newest reply so far; used while no Sentinel replies. */
  master: MasterAnswer | undefined;
  #learned: readonly Address[] = [];

  constructor(
    readonly options: ResolvedSentinel,
    private readonly time: DriverTime,
    /** The host names of the database, including those of its Sentinels. */
    readonly names: Pick<NamesInUse, 'unwatched' | 'renewedBy'>,
    /** Called with the newest master whenever a Sentinel reports it. */
    private readonly onMaster: (master: Address) => void,
    private readonly ask = askSentinel,
  ) {}

  /** Addresses of all Sentinels, the configured ones first. */
  get addresses(): readonly Address[] {
    return [...this.options.sentinelRootNodes, ...this.#learned];
  }

  /** `names`: provides the hook for lookups of the connection. */
  optionsOf(address: Address, names: ConnectionNames): NodeRedisOptions {
    return withAddress(this.options.sentinelClientOptions, address, { RESP: 2, names });
  }

  /**
   * Returns the master by the newest configuration that a Sentinel knows. All Sentinels are asked
   * at once; the master is known when most of the configured ones agree, when all have replied, or
   * shortly after the first reply. Without any reply the last known master is returned. Rejects if
   * there is none.
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

  /** Asks the Sentinels again, because one of them announced another master. Never rejects. */
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

  /** Chooses the master to connect to, and notifies followers of the newest one. */
  #judge(answers: readonly MasterAnswer[]): MasterAnswer | undefined {
    const known = this.master;
    const best = newest(answers);
    if (best === undefined) return known;
    if (known === undefined || best.epoch > known.epoch) this.master = best;
    else if (votes(answers, known) === 0) {
      // Older than the known configuration, but all that can be tried: live connections stay where
      // they are.
      return best;
    }
    const { master } = this;
    this.onMaster(this.#reachable(master as MasterAnswer));
    // Two addresses under one epoch are the same server: keeps the known one, to avoid alternating
    // between them.
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
