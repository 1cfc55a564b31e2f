import { ErrorReply, RESP_TYPES } from '@redis/client';
import type { IoredisErrors } from './errors.js';
import {
  type IoredisClass,
  type IoredisCommand,
  isVersion6,
  type ReplyContext,
} from './library.js';

type Mapping = Readonly<Record<number, unknown>>;

/** How the replies of one client are decoded. */
export interface Decoding {
  /** What ioredis's reply transformers are told about the replies. */
  readonly context: ReplyContext;
  readonly mappings: Readonly<Record<DecodingKind, Mapping | undefined>>;
  /** Whether a reply that is decoded in this way needs no conversion by ioredis. */
  readonly isDirect: Readonly<Record<'text' | 'buffers', boolean>>;
  kindOf(command: Pick<IoredisCommand, 'name' | 'replyEncoding'>): DecodingKind;
  /** Converts what the decoder of node-redis leaves. Only for replies that may contain it. */
  finish(reply: unknown): unknown;
}

/**
 * - `text`: strings, which ioredis does not have to convert
 * - `buffers`: Buffers for ioredis to convert
 * - `unfinished`: like `buffers`, and `finish` has to convert the reply first; also for the reply of
 *   EXEC, whose parts have encodings of their own
 */
export type DecodingKind = 'text' | 'buffers' | 'unfinished';

const BUFFERS: Mapping = {
  [RESP_TYPES.BLOB_STRING]: Buffer,
  [RESP_TYPES.SIMPLE_STRING]: Buffer,
};

/** As ioredis 6 decodes with `replyMapping: 'resp3'`. */
const RESP3: Mapping = {
  ...BUFFERS,
  [RESP_TYPES.VERBATIM_STRING]: Buffer,
  [RESP_TYPES.BIG_NUMBER]: String,
  [RESP_TYPES.SET]: Array,
};

const NUMBERS_AS_TEXT: Mapping = { [RESP_TYPES.NUMBER]: String, [RESP_TYPES.DOUBLE]: String };

const inBothCases = (names: readonly string[]) =>
  new Set(names.flatMap((name) => [name, name.toUpperCase()]));

/** Commands that may return errors inside of an array. */
export const SCRIPTS: ReadonlySet<string> = inBothCases([
  ...['eval', 'evalsha', 'eval_ro', 'evalsha_ro', 'fcall', 'fcall_ro'],
]);

/** Commands whose integers may exceed 2^53, which versions before 6 round in another way. */
export const LARGE_INTEGERS: ReadonlySet<string> = inBothCases([
  ...['incr', 'incrby', 'decr', 'decrby', 'hincrby', 'bitfield', 'bitfield_ro', 'increx'],
]);

/**
 * Returns how the replies of a client with these options are decoded, so that the reply transformers
 * of ioredis get what they expect: the replies of RESP 2, also where ioredis 6 would speak RESP 3 and
 * convert them (`replyMapping: 'legacy'`).
 *
 * A reply that ioredis would convert from Buffers to strings is decoded to strings at once. ioredis 6
 * decodes integers as node-redis does; ioredis 5 and iovalkey round those beyond 2^53 in another way.
 */
export function decodingFor(
  Redis: IoredisClass,
  options: Record<string, unknown>,
  errors: IoredisErrors,
): Decoding {
  const isResp3 = usesResp3(options);
  const hasTextNumbers = options.stringNumbers === true;
  const roundsItself = !isVersion6(Redis) && !hasTextNumbers;
  const base = { ...(isResp3 ? RESP3 : BUFFERS), ...(hasTextNumbers ? NUMBERS_AS_TEXT : {}) };
  const unfinished = roundsItself ? { ...BUFFERS, ...NUMBERS_AS_TEXT } : base;
  const text = hasTextNumbers ? NUMBERS_AS_TEXT : undefined;

  const finish = (reply: unknown): unknown => {
    if (typeof reply === 'string') return roundsItself ? rounded(reply) : reply;
    if (reply instanceof ErrorReply) return errors.reply(reply);
    if (!Array.isArray(reply)) return reply;
    for (let index = 0; index < reply.length; index += 1) reply[index] = finish(reply[index]);
    return reply;
  };

  return {
    context: isResp3
      ? { protocol: 3, replyMapping: 'resp3' }
      : { protocol: 2, replyMapping: 'legacy' },
    mappings: { text, buffers: base, unfinished },
    isDirect: { text: !isResp3, buffers: true },
    kindOf({ name, replyEncoding }) {
      if (SCRIPTS.has(name) || (roundsItself && LARGE_INTEGERS.has(name))) return 'unfinished';
      return !isResp3 && replyEncoding === 'utf8' ? 'text' : 'buffers';
    },
    finish,
  };
}

/** Whether the application asks for replies in the form of RESP 3, which ioredis 6 offers. */
export function usesResp3({ protocol, replyMapping }: Record<string, unknown>): boolean {
  return protocol === 3 && replyMapping === 'resp3';
}

/** The number that the parser of ioredis 5 makes of an integer, digit by digit. */
function rounded(digits: string): number {
  const isNegative = digits.startsWith('-');
  let number = 0;
  for (let index = isNegative ? 1 : 0; index < digits.length; index += 1) {
    number = number * 10 + (digits.charCodeAt(index) - 48);
  }
  return isNegative ? -number : number;
}
