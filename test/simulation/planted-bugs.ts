import type { Edit } from './altered.js';

/** A mistake as somebody might make it. */
export interface PlantedBug {
  readonly name: string;
  readonly edits: readonly Edit[];
}

function plant(name: string, file: string, find: string, replace: string): PlantedBug {
  return { name, edits: [{ file, find, replace }] };
}

/**
 * Mistakes that the simulation must notice. Each is a change of the source text; where the text
 * has changed so that one finds no place any more, the test fails: plant it anew.
 */
export const PLANTED_BUGS: readonly PlantedBug[] = [];
