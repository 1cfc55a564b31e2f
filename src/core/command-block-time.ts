/** How long a command may block in the server before it answers. */
import { type CommandArguments, integer, upperCase } from './command-arguments.js';

type BlockTime = (args: CommandArguments) => number | undefined;

/** Position and unit of the block time. */
interface Place {
  readonly index: number;
  readonly unit: 's' | 'ms';
}

type FindPlace = (args: CommandArguments) => Place | undefined;

const secondsAt =
  (index: number): FindPlace =>
  (args) => ({ index: index < 0 ? args.length + index : index, unit: 's' });

const millisecondsAt = (index: number): FindPlace => {
  const place: Place = { index, unit: 'ms' };
  return () => place;
};

/** XREAD [COUNT n] [BLOCK ms] STREAMS ...; options that a value follows come in any order. */
const blockOption =
  (from: number, end?: string): FindPlace =>
  (args) => {
    for (let i = from; i < args.length; i++) {
      const word = upperCase(args[i]);
      if (word === end) return undefined;
      if (word === 'BLOCK') return { index: i + 1, unit: 'ms' };
      if (word === 'COUNT' || word === 'MAXCOUNT' || word === 'MAXSIZE' || word === 'CLAIM') i++;
    }
    return undefined;
  };

const PLACES: ReadonlyMap<string, FindPlace> = new Map<string, FindPlace>([
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
  ['WAIT', millisecondsAt(2)],
  ['WAITAOF', millisecondsAt(3)],
]);

/**
 * Block time of a command in ms: Infinity if unlimited, 0 if the server will refuse the timeout,
 * `undefined` if the command does not block.
 */
export const BLOCK_TIMES: ReadonlyMap<string, BlockTime> = new Map(
  [...PLACES].map(([name, find]): [string, BlockTime] => [
    name,
    (args) => {
      const place = find(args);
      if (place === undefined) return undefined;
      const argument = args[place.index];
      return place.unit === 's' ? seconds(argument) : milliseconds(argument);
    },
  ]),
);

/**
 * The same command with a block time of `blockMs`, at least 1 ms because 0 means unlimited. The
 * command itself if it blocks indefinitely or not at all.
 */
export function withBlockTime(args: CommandArguments, blockMs: number): CommandArguments {
  const place = PLACES.get(upperCase(args[0]))?.(args);
  if (place === undefined || !Number.isFinite(blockMs)) return args;
  const ms = Math.max(1, Math.ceil(blockMs));
  const left = [...args];
  left[place.index] = String(place.unit === 's' ? ms / 1000 : ms);
  return left;
}

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
