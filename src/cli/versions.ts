import { readFileSync } from 'node:fs';

export function packageVersion(): string {
  return versionIn(new URL(import.meta.resolve('redis-multidb/package.json'))) ?? 'unknown';
}

/** The version of the `@redis/client` in use. */
export function clientVersion(): string {
  const entry = import.meta.resolve('@redis/client');
  return versionIn(new URL('../package.json', entry)) ?? 'unknown';
}

function versionIn(manifest: URL): string | undefined {
  try {
    return (JSON.parse(readFileSync(manifest, 'utf8')) as { version?: string }).version;
  } catch {
    return undefined;
  }
}
