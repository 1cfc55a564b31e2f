/** Maps requests to routes. Pure. */

export type RouteName =
  | 'page'
  | 'sign-in'
  | 'status'
  | 'history'
  | 'schema'
  | 'events'
  | 'livez'
  | 'readyz'
  | 'active'
  | 'drain'
  | 'resume'
  | 'release'
  | 'steering';

export interface Route {
  readonly name: RouteName;
  /** The decoded value of `:id`. */
  readonly databaseId: string | undefined;
}

export type Match =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'wrong-method'; readonly allow: string }
  | { readonly kind: 'bad-path' }
  | { readonly kind: 'unknown' };

const READS: ReadonlyMap<string, RouteName> = new Map([
  ['/', 'page'],
  ['/sign-in', 'sign-in'],
  ['/status', 'status'],
  ['/history', 'history'],
  ['/schema.json', 'schema'],
  ['/events', 'events'],
  ['/livez', 'livez'],
  ['/readyz', 'readyz'],
]);
const CHANGES: ReadonlyMap<string, RouteName> = new Map([
  ['/active', 'active'],
  ['/steering', 'steering'],
]);
const DATABASE = /^\/databases\/([^/]+)\/(drain|resume|release)$/;

/** Paths are compared without decoding or normalization, except for the id. */
export function match(method: string, path: string): Match {
  const read = READS.get(path);
  if (read !== undefined) {
    if (method === 'GET' || method === 'HEAD') return route(read, undefined);
    return { kind: 'wrong-method', allow: 'GET, HEAD' };
  }
  const change = CHANGES.get(path);
  const [, encoded, verb] = DATABASE.exec(path) ?? [];
  if (change === undefined && encoded === undefined) return { kind: 'unknown' };
  if (method !== 'POST') return { kind: 'wrong-method', allow: 'POST' };
  if (change !== undefined) return route(change, undefined);
  try {
    return route(verb as RouteName, decodeURIComponent(encoded as string));
  } catch {
    return { kind: 'bad-path' };
  }
}

function route(name: RouteName, databaseId: string | undefined): Match {
  return { kind: 'route', route: { name, databaseId } };
}

/** The rest of a path below `base`; undefined for other paths. */
export function below(base: string, path: string): string | undefined {
  if (base === '') return path;
  if (path === base) return '/';
  return path.startsWith(`${base}/`) ? path.slice(base.length) : undefined;
}
