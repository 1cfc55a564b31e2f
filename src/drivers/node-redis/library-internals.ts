/**
 * Parts of node-redis that it does not export: its registry of clients for OpenTelemetry, and the
 * way it shows arguments in traces. They are loaded in the background, because a later version may
 * have moved them: only observability may depend on them.
 */

/** A client as node-redis's metrics see it. */
export interface RegisteredClient {
  readonly identity: { readonly id: string; readonly role: string };
  getAttributes(): ClientAttributes;
  getPendingRequests(): number;
  getCacheItemCount(): number;
  isConnected(): boolean;
}

export interface ClientAttributes {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly db: number;
  readonly clientId: string;
  readonly parentId: undefined;
  readonly isPubSub: boolean;
}

interface Registry {
  register(client: RegisteredClient): void;
  unregister(clientId: string): void;
}

type SanitizeArgs = (args: readonly unknown[]) => readonly string[];

/** Per copy: the modules of node-redis that it has loaded. Undefined until then; `instance` does nothing before `OpenTelemetry.init()`. */
let registry: { readonly instance: Registry } | undefined;
/** Per copy, likewise. */
let sanitizeArgs: SanitizeArgs = ([name, ...rest]) => [String(name), ...rest.map(() => '?')];

const loading = Promise.all([
  import('@redis/client/dist/lib/opentelemetry/client-registry.js').then((module) => {
    registry = module.ClientRegistry as unknown as typeof registry;
  }, ignored),
  import('@redis/client/dist/lib/client/tracing.js').then((module) => {
    sanitizeArgs = module.sanitizeArgs as SanitizeArgs;
  }, ignored),
]);

function ignored(): void {}

/** Runs `use` with the registry, in order of the calls, also for calls made before it is loaded. */
function withRegistry(use: (registry: Registry) => void): void {
  if (registry !== undefined) use(registry.instance);
  else loading.then(() => registry && use(registry.instance));
}

/** Adds `client` to node-redis's metrics, if they are initialised. */
export function registerClient(client: RegisteredClient): void {
  withRegistry((known) => known.register(client));
}

/**
 * Removes a client from node-redis's metrics: every node-redis client registers itself when it is
 * created, and stays registered until it is closed.
 */
export function unregisterClient(client: unknown): void {
  const { _clientId: id } = client as { readonly _clientId?: string };
  if (id !== undefined) withRegistry((known) => known.unregister(id));
}

/** The arguments of a command as node-redis shows them in traces: without values. */
export function shownArguments(args: readonly unknown[]): readonly string[] {
  return sanitizeArgs(args);
}
