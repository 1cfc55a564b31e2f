import type { CommandOptions } from '../../runtime/command/command-options.js';
import type { DecodingKind } from './decoding.js';
import type { Face } from './face.js';

/** The member of a client, and of each of its views, that has its options. */
export const VIEW = Symbol('redis-multidb.viewOptions');

/**
 * The options of the commands of a client, or of one of its views, for each way to decode replies.
 * `undefined` if there are none.
 */
export class ViewOptions implements Readonly<Record<DecodingKind, CommandOptions | undefined>> {
  readonly text: CommandOptions | undefined;
  readonly buffers: CommandOptions | undefined;
  readonly unfinished: CommandOptions | undefined;

  constructor(
    readonly face: Face,
    /** Whatever the reply. */
    readonly base: CommandOptions,
  ) {
    const { mappings } = face.decoding;
    this.text = withMapping(base, mappings.text);
    this.buffers = withMapping(base, mappings.buffers);
    this.unfinished = withMapping(base, mappings.unfinished);
  }
}

function withMapping(base: CommandOptions, typeMapping: unknown): CommandOptions | undefined {
  if (typeMapping !== undefined) return { ...base, typeMapping };
  return Object.keys(base).length === 0 ? undefined : base;
}
