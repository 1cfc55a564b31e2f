/** How long a command may wait in the server before it answers. */
import { type CommandArguments, integer, upperCase } from './command-arguments.js';

type BlockTime = (args: CommandArguments) => number | undefined;

const secondsAt =
  (index: number): BlockTime =>
  (args) =>
    seconds(args.at(index));

/** XREAD [COUNT n] [BLOCK ms] STREAMS ...; options that a value follows come in any order. */
const blockOption =
  (from: number, end?: string): BlockTime =>
  (args) => {
    for (let i = from; i < args.length; i++) {
      const word = upperCase(args[i]);
      if (word === end) return undefined;
      if (word === 'BLOCK') return milliseconds(args[i + 1]);
      if (word === 'COUNT' || word === 'MAXCOUNT' || word === 'MAXSIZE' || word === 'CLAIM') i++;
    }
    return undefined;
  };

/**
 * How long a command may block, in ms; Infinity for ever, 0 when the server will refuse the
 * timeout, `undefined` when it does not block.
 */
export const BLOCK_TIMES: ReadonlyMap<string, BlockTime> = new Map<string, BlockTime>([
  ['BLPOP', secondsAt(-1)],
  ['BRPOP', secondsAt(-1)],
  ['BRPOPLPUSH', secondsAt(-1)],
  ['BZPOPMIN', secondsAt(-1)],
  ['BZPOPMAX', secondsAt(-1)],
  ['BLMOVE', secondsAt(5)],
  ['BLMOVEM', secondsAt(5)],
  ['BLMPOP', secondsAt(1)],
  ['BZMPOP', secondsAt(1)],
  ['XREAD', blockOption(1, 'STREAMS')],
  ['XREADGROUP', blockOption(4, 'STREAMS')],
  ['TS.READ', blockOption(3)],
  ['WAIT', (args) => milliseconds(args[2])],
  ['WAITAOF', (args) => milliseconds(args[3])],
]);

function seconds(argument: string | Buffer | undefined): number {
  const text = upperCase(argument);
  const value = text === '' || /\s/.test(text) ? Number.NaN : Number(text);
  return blockTime(value > 0 ? Math.ceil(value * 1000) : value);
}

function milliseconds(argument: string | Buffer | undefined): number {
  return blockTime(integer(argument));
}

function blockTime(value: number): number {
  if (value === 0) return Number.POSITIVE_INFINITY;
  return value > 0 && value < Number.POSITIVE_INFINITY ? value : 0;
}
