import { constants } from 'node:buffer';

const { MAX_STRING_LENGTH } = constants;

/** `*n\r\n` and, for each argument, `$n\r\n` and `\r\n`, with numbers of up to ten digits. */
const LONGEST_HEADER = 13;
const LONGEST_FRAME = 15;

/** The real length in memory, regardless of a property of the object. */
const lengthOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  'length',
)?.get as (this: unknown) => number | undefined;

/**
 * Why a command cannot be encoded: an argument that is neither a string nor a Buffer, a Buffer with
 * a wrong length, or more text than a string can hold. Undefined if it can be encoded.
 *
 * Such a command is refused before it is queued. A wrong length would shift every later reply to
 * another caller. node-redis omits what it cannot encode from a transaction and has the rest
 * executed.
 */
export function argumentFlaw(args: readonly unknown[]): Error | undefined {
  // node-redis joins what stands between two Buffers into one string.
  let textLength = LONGEST_HEADER;
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index];
    if (typeof arg === 'string') {
      textLength += arg.length + LONGEST_FRAME;
      if (textLength <= MAX_STRING_LENGTH) continue;
      return new RangeError(`a command holds at most ${MAX_STRING_LENGTH} characters of text`);
    }
    const flaw = bufferFlaw(arg);
    if (flaw !== undefined) return new TypeError(`"arguments[${index}]" must be ${flaw}`);
    textLength = LONGEST_HEADER;
  }
  return undefined;
}

function bufferFlaw(arg: unknown): string | undefined {
  if (!Buffer.isBuffer(arg)) return `of type "string | Buffer", got ${typeof arg} instead.`;
  try {
    if (lengthOf.call(arg) === arg.length) return undefined;
  } catch {
    // Not a Buffer, although it has the prototype of one.
  }
  return 'a Buffer with the length of its memory.';
}
