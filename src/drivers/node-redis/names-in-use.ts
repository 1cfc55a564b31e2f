import type { LookupFunction } from 'node:net';
import type { LookupTrouble } from '../../name-lookup/host-name.js';
import {
  type LookupHookSetting,
  lookupHook,
  processLookups,
} from '../../name-lookup/lookup-hook.js';
import { keyOf, type LookupQuestion } from '../../name-lookup/lookup-question.js';
import type { HostNames, NameInUse, ResolvedName } from '../driver.js';

/** Maximum number of host names that are remembered; the oldest is dropped first. */
const MAX_REMEMBERED = 64;

/** One open connection to a host name. */
interface Use extends NameInUse {
  readonly name: LookupQuestion;
  addresses: readonly string[];
}

/** The lookup hook of one connection. */
export interface ConnectionLookup {
  readonly lookup: LookupFunction;
  /** Records which of the resolved addresses the connection leads to. */
  connectedTo(address: string | undefined): void;
}

/** Provides connections with the hook for their lookups. */
export interface ConnectionNames {
  /** Whether a connection of the database was ready at some time. */
  wasConnected(): boolean;
  /** Returns the hook for one connection, which ends with `signal`. */
  hook(by: LookupFunction | undefined, signal: AbortSignal): ConnectionLookup;
}

/** The host names of one database: where its open connections lead, and which lookups fail. */
export class NamesInUse implements HostNames, ConnectionNames {
  #wasConnected = false;
  readonly wasConnected = () => this.#wasConnected;
  /** By lookup question, the latest last. */
  readonly #names = new Map<string, LookupQuestion>();
  readonly #uses = new Set<Use>();

  constructor(private readonly lookups = processLookups) {}

  get inUse(): readonly NameInUse[] {
    return [...this.#uses];
  }

  get troubles(): readonly LookupTrouble[] {
    return [...this.#names.values()].flatMap((name) => this.lookups.trouble(name) ?? []);
  }

  async resolve(maxAgeMs: number, signal: AbortSignal): Promise<readonly ResolvedName[]> {
    const names = new Map([...this.#uses].map(({ key, name }) => [key, name]));
    const resolved = await Promise.all(
      [...names].map(async ([key, name]) => {
        const answer = await this.lookups.refresh({ ...name, signal }, maxAgeMs);
        return answer === undefined ? [] : [{ key, host: name.host, ...answer }];
      }),
    );
    return resolved.flat();
  }

  hook(by: LookupFunction | undefined, signal: AbortSignal, renew?: () => void): ConnectionLookup {
    let use: Use | undefined;
    const onAddresses: LookupHookSetting['onAddresses'] = (host, options, found) => {
      if (isLocal(host)) return;
      const given = options.all ? found : found.slice(0, 1);
      const name = { host, options, by };
      use = { key: keyOf(name), name, addresses: given.map(({ address }) => address), renew };
      this.#uses.add(use);
      const ended = use;
      signal.addEventListener('abort', () => this.#uses.delete(ended), { once: true });
    };
    return {
      lookup: this.#lookup({ by, signal, onAddresses }),
      connectedTo: (address) => {
        this.#wasConnected = true;
        // The address of a TLS socket is not accessible: any of the addresses may be in use.
        if (use?.addresses.includes(address ?? '')) use.addresses = [address as string];
      },
    };
  }

  /** For a connection that is replaced by `renew`, not together with the others of the database. */
  renewedBy(renew: () => void): ConnectionNames {
    const { wasConnected } = this;
    return { hook: (by, signal) => this.hook(by, signal, renew), wasConnected };
  }

  /** For connections that end once a question is answered, so that they are not watched. */
  readonly unwatched: ConnectionNames = {
    hook: (by, signal) => ({ lookup: this.#lookup({ by, signal }), connectedTo() {} }),
    wasConnected: this.wasConnected,
  };

  #lookup(setting: Omit<LookupHookSetting, 'lookups'>): LookupFunction {
    const hook = lookupHook({ lookups: this.lookups, ...setting });
    return (host, options, callback) => {
      this.#remember({ host, options, by: setting.by });
      hook(host, options, callback);
    };
  }

  #remember(name: LookupQuestion): void {
    const key = keyOf(name);
    this.#names.delete(key);
    this.#names.set(key, name);
    if (this.#names.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#names.keys()) {
      this.#names.delete(oldest);
      return;
    }
  }
}

/** Whether the name always leads to this machine. */
function isLocal(host: string): boolean {
  return /^(.+\.)?localhost\.?$/i.test(host);
}
