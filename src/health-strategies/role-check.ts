import { ownError } from '../foreign/own-error.js';
import type { HealthCheckFunction } from './strategy.js';

/** A proxy may keep a command that it does not know to itself. */
const PATIENCE_MS = 250;

/**
 * Fails if the server is a Sentinel, which answers PING like a database and no command of an
 * application. A server that does not tell what it is passes.
 */
export const isNoSentinel: HealthCheckFunction = async (probe) => {
  const asked = probe.sendCommand(['HELLO']).catch(() => undefined);
  const mode = modeOf(await Promise.race([asked, probe.wait(PATIENCE_MS)]));
  if (mode === 'sentinel') {
    throw ownError(
      "this is a Sentinel, not a database: use topology 'sentinel' and list it in sentinelRootNodes",
    );
  }
  return true;
};

/** Of HELLO's reply: names and values in turn, or an object. */
function modeOf(reply: unknown): string | undefined {
  if (Array.isArray(reply)) {
    const at = reply.findIndex((each) => String(each) === 'mode');
    return at < 0 ? undefined : String(reply[at + 1]);
  }
  if (reply instanceof Map) return reply.has('mode') ? String(reply.get('mode')) : undefined;
  if (typeof reply !== 'object' || reply === null) return undefined;
  const { mode } = reply as { readonly mode?: unknown };
  return mode === undefined ? undefined : String(mode);
}
