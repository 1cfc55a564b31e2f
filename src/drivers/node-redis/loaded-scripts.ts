import type { Attempt, CalledScripts } from '../driver.js';
import { tell } from '../tell.js';

/** Bounds the memory of a connection whose client keeps making new scripts. */
const MOST_SCRIPTS = 4000;

/** The scripts that were loaded over one connection, by their digests. */
export class LoadedScripts {
  readonly #loaded = new Set<string>();
  #epoch = 0;

  /**
   * Loads those of the scripts that were not loaded yet, ahead of what is sent next. Returns whether
   * there were any.
   */
  load(called: CalledScripts, connection: { send(attempt: Attempt): void }): boolean {
    let isAny = false;
    const epoch = called.currentEpoch();
    if (epoch !== this.#epoch || this.#loaded.size > MOST_SCRIPTS) this.#loaded.clear();
    this.#epoch = epoch;
    called.epoch = epoch;
    for (const { sha, source } of called.scripts) {
      if (this.#loaded.has(sha)) continue;
      isAny = true;
      this.#loaded.add(sha);
      tell(connection, ['SCRIPT', 'LOAD', source], (error) => {
        // A server that is loading its data or runs a script will know it later. Without permission
        // another attempt would be in vain.
        if (!/^NOPERM /.test(String((error as Error)?.message))) this.#loaded.delete(sha);
      });
    }
    return isAny;
  }
}
