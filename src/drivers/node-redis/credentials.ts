import { foreignError, foreignReason } from '../../foreign/foreign-error.js';
import { holdSecrets } from '../../foreign/held-secrets.js';
import { ownError } from '../../foreign/own-error.js';
import { secretsIn } from '../../foreign/secrets-in.js';

/** The parts of node-redis's `credentialsProvider` that are used. */
interface Credentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

interface CredentialsListener {
  onNext(credentials: Credentials): void;
  onError(error: Error): void;
}

interface AsyncProvider {
  readonly type: 'async-credentials-provider';
  credentials(): Promise<Credentials>;
}

interface StreamingProvider {
  readonly type: 'streaming-credentials-provider';
  subscribe(listener: CredentialsListener): Promise<[Credentials, { dispose(): void }]>;
  onReAuthenticationError(error: Error): void;
}

/**
 * Wraps the user's provider for one connection, which ends with `signal`. A failure is reported as
 * the provider's, and its errors can't end the process. A value that is not a provider is returned
 * unchanged.
 */
export function connectionCredentials(given: unknown, signal: AbortSignal): unknown {
  switch ((given as { type?: unknown } | undefined)?.type) {
    case 'async-credentials-provider':
      return {
        type: 'async-credentials-provider',
        credentials: () =>
          obtain(async () =>
            checked(await (given as AsyncProvider).credentials(), given as object),
          ),
      } satisfies AsyncProvider;
    case 'streaming-credentials-provider':
      return new StreamedCredentials(given as StreamingProvider, signal);
    default:
      return given;
  }
}

/**
 * A subscription that lasts exactly as long as the connection. node-redis leaks a subscription
 * whose connection ends while it subscribes, and can't use credentials that arrive before the
 * connection is ready: these are applied when it is.
 */
export class StreamedCredentials implements StreamingProvider {
  readonly type = 'streaming-credentials-provider';
  #listener: CredentialsListener | undefined;
  /** The credentials that the connection was, or is being, authenticated with. */
  #used: Credentials | undefined;
  #latest: Credentials | undefined;
  #isReady = false;

  constructor(
    private readonly provider: StreamingProvider,
    private readonly signal: AbortSignal,
  ) {}

  subscribe(listener: CredentialsListener): Promise<[Credentials, { dispose(): void }]> {
    return obtain(async () => {
      this.#listener = listener;
      const [initial, subscription] = await this.provider.subscribe({
        onNext: (credentials) => this.#onNext(credentials),
        onError: (error) => this.#safely(() => listener.onError(foreignError(error))),
      });
      let isDisposed = false;
      const dispose = () => {
        if (isDisposed) return;
        isDisposed = true;
        this.signal.removeEventListener('abort', dispose);
        try {
          subscription.dispose();
        } catch {}
      };
      if (this.signal.aborted) {
        dispose();
        throw ownError('the connection has ended');
      }
      this.signal.addEventListener('abort', dispose, { once: true });
      this.#used = checked(initial, this.provider);
      return [initial, { dispose }];
    });
  }

  /** The connection is ready. */
  ready(): void {
    this.#isReady = true;
    this.#use();
  }

  onReAuthenticationError(error: Error): void {
    this.#safely(() => this.provider.onReAuthenticationError(foreignError(error)));
  }

  #onNext(credentials: Credentials): void {
    this.#latest = credentials;
    holdSecrets(this.provider, secretsIn(credentials));
    if (this.#isReady) this.#use();
  }

  #use(): void {
    const latest = this.#latest;
    this.#latest = undefined;
    if (latest === undefined || isSame(latest, this.#used)) return;
    this.#used = latest;
    this.#safely(() => this.#listener?.onNext(latest));
  }

  /** Calls nothing once the connection has ended, and keeps errors from reaching the process. */
  #safely(call: () => void): void {
    if (this.signal.aborted) return;
    try {
      call();
    } catch {}
  }
}

async function obtain<T>(credentials: () => Promise<T>): Promise<T> {
  try {
    return await credentials();
  } catch (cause) {
    throw ownError(`the credentials provider failed: ${foreignReason(cause)}`, {
      cause: foreignError(cause),
    });
  }
}

/**
 * Returns the provider's credentials, whose secrets are masked from now on. Throws a `TypeError` if
 * they are not an object.
 */
function checked(credentials: Credentials, provider: object): Credentials {
  if (typeof credentials === 'object' && credentials !== null) {
    holdSecrets(provider, secretsIn(credentials));
    return credentials;
  }
  throw new TypeError('it returned no credentials');
}

function isSame(one: Credentials, other: Credentials | undefined): boolean {
  return one.username === other?.username && one.password === other?.password;
}
