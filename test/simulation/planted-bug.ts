import type { Edit } from './altered.js';

/** A mistake that a change of the engine could contain. */
export interface PlantedBug {
  readonly name: string;
  readonly edit: Edit;
  /** The first schedule that is tried: one that shows the bug, so that the search is short. Default: 1. */
  readonly firstSeed: number;
}

export function plant(
  name: string,
  file: string,
  find: string,
  replace: string,
  firstSeed = 1,
): PlantedBug {
  return { name, edit: { file, find, replace }, firstSeed };
}
