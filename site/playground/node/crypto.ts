/** What the engine uses of `node:crypto`, for the browser. */
import { BrowserBuffer } from './buffer.js';

export function randomBytes(size: number): BrowserBuffer {
  return crypto.getRandomValues(new BrowserBuffer(size));
}

/** Names of scripts: the load of the playground has none. */
export function createHash(): never {
  throw new Error('the simulated databases of the playground have no scripts');
}
