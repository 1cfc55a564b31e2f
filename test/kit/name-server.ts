/** Host names as a test wants them: they move, are answered late, wrongly, with an error, or never. */
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { isIP, type LookupFunction } from 'node:net';

type Callback = Parameters<LookupFunction>[2];
type Options = Parameters<LookupFunction>[1];

/** What a name, or every name, does instead of being answered at once. */
type Trouble =
  | { readonly kind: 'silent' }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'failing'; readonly code: string };

interface Query {
  readonly hostname: string;
  readonly options: Options;
  readonly callback: Callback;
  timer?: NodeJS.Timeout;
}

/**
 * Answers lookups in the place of the system: `lookup` is for `socket.lookup` of one client, `install()` for the
 * whole process. An empty `hostname` stands for all names.
 */
export class NameServer {
  /** The names that were asked for, in order. Set its length to 0 to forget. */
  readonly asked: string[] = [];
  /** The most lookups that were under way at once. */
  mostPending = 0;
  /** What the coming lookups of a name are answered, in turn. */
  readonly #answers = new Map<string, string[][]>();
  readonly #troubles = new Map<string, Trouble>();
  readonly #pending = new Set<Query>();
  #uninstall: (() => void) | undefined;

  constructor(addresses: Readonly<Record<string, string | readonly string[]>> = {}) {
    for (const [hostname, found] of Object.entries(addresses))
      this.set(hostname, ...[found].flat());
  }

  /** How many lookups are under way. */
  get pending(): number {
    return this.#pending.size;
  }

  /** From now on `hostname` leads to these addresses; without any it is unknown. */
  set(hostname: string, ...addresses: string[]): void {
    this.#answers.set(hostname, [addresses]);
  }

  /** From now on each lookup of `hostname` gets the next of these answers, over and over. */
  rotate(hostname: string, ...answers: string[][]): void {
    this.#answers.set(hostname, answers);
  }

  /** Never answers, until `restore()`. */
  silence(hostname = ''): void {
    this.#troubles.set(hostname, { kind: 'silent' });
  }

  /** Answers this much later. */
  delay(delayMs: number, hostname = ''): void {
    this.#troubles.set(hostname, { kind: 'slow', delayMs });
  }

  /** Answers with an error: ENOTFOUND if the name does not exist, EAI_AGAIN if that is unknown. */
  fail(code: 'EAI_AGAIN' | 'ENOTFOUND' = 'EAI_AGAIN', hostname = ''): void {
    this.#troubles.set(hostname, { kind: 'failing', code });
  }

  /** Ends every trouble, or that of one name, and answers what is under way. */
  restore(hostname?: string): void {
    if (hostname === undefined) this.#troubles.clear();
    else this.#troubles.delete(hostname);
    for (const query of [...this.#pending]) {
      if (hostname === undefined || hostname === query.hostname) this.#answer(query);
    }
  }

  /** As `dns.lookup`. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    const query: Query = { hostname, options, callback };
    if (isIP(hostname) !== 0) {
      process.nextTick(() => this.#answer(query));
      return;
    }
    this.asked.push(hostname);
    this.#pending.add(query);
    this.mostPending = Math.max(this.mostPending, this.#pending.size);
    const trouble = this.#troubles.get(hostname) ?? this.#troubles.get('');
    if (trouble?.kind === 'silent') return;
    const delayMs = trouble?.kind === 'slow' ? trouble.delayMs : 0;
    const code = trouble?.kind === 'failing' ? trouble.code : undefined;
    query.timer = setTimeout(() => this.#answer(query, code), delayMs);
  };

  /** Takes the place of `dns.lookup` in this process, until `dispose()`. */
  install(): this {
    const { lookup } = dns;
    const { lookup: lookupAsync } = dns.promises;
    const byName = (hostname: string, ...rest: unknown[]) => {
      const callback = rest.pop() as Callback;
      this.lookup(hostname, optionsOf(rest[0]), callback);
    };
    const byNameAsync = (hostname: string, options?: unknown) =>
      new Promise((resolve, reject) => {
        const { all } = optionsOf(options);
        this.lookup(hostname, optionsOf(options), (error, address, family) => {
          if (error) reject(error);
          else resolve(all ? address : { address, family });
        });
      });
    Object.assign(dns, { lookup: byName });
    Object.assign(dns.promises, { lookup: byNameAsync });
    syncBuiltinESMExports();
    this.#uninstall = () => {
      Object.assign(dns, { lookup });
      Object.assign(dns.promises, { lookup: lookupAsync });
      syncBuiltinESMExports();
    };
    return this;
  }

  /** Gives the process its names back. What is under way fails: a lookup of the system always ends. */
  dispose(): void {
    this.#uninstall?.();
    this.#uninstall = undefined;
    for (const query of [...this.#pending]) this.#answer(query, 'EAI_AGAIN');
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #answer(query: Query, code?: string): void {
    clearTimeout(query.timer);
    this.#pending.delete(query);
    const { hostname, options, callback } = query;
    const family = { IPv4: 4, IPv6: 6 }[String(options.family)] ?? Number(options.family ?? 0);
    const found = (isIP(hostname) ? [hostname] : this.#next(hostname))
      .map((address) => ({ address, family: isIP(address) }))
      .filter((each) => family === 0 || each.family === family);
    const [first] = found;
    if (code !== undefined || first === undefined) callback(failure(hostname, code), '', 0);
    else if (options.all) callback(null, found);
    else callback(null, first.address, first.family);
  }

  #next(hostname: string): string[] {
    const answers = this.#answers.get(hostname);
    const next = answers?.shift() ?? [];
    answers?.push(next);
    return next;
  }
}

function optionsOf(options: unknown): Options {
  if (typeof options === 'number') return { family: options };
  return (options ?? {}) as Options;
}

function failure(hostname: string, code = 'ENOTFOUND'): NodeJS.ErrnoException {
  const error = new Error(`getaddrinfo ${code} ${hostname}`);
  return Object.assign(error, { code, hostname, syscall: 'getaddrinfo' });
}
