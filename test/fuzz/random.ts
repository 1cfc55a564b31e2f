/** Random texts by seed. */
import { seededRandom } from '../../src/testing/random.js';

/** What parsers, terminals and protocols look at. */
const PIECES = [
  ...'\r\n|\n|\0|\u001b[2J|\u009b|\u2028|"|\'|`|{|}|[|]|:|,|%|\\|.|@|/|://'.split('|'),
  ...'$|*|-ERR |+OK|>2|~1|%1|$-1|*-1|_|#t|,nan|(1|=3|!5|-LOADING |-MOVED 1 :0'.split('|'),
  ...'${|}|:-|__proto__|null|true|1e999|-0|999999999999|data:|event:|id:'.split('|'),
  ...'HTTP/1.1|GET |../|%2e|%00|é|🙂|\ud800|x'.split('|'),
];

export class Fuzz {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  text(pieces = 1 + this.below(12)): string {
    return Array.from({ length: pieces }, () =>
      this.below(4) === 0 ? String.fromCharCode(this.below(0x300)) : this.pick(PIECES),
    ).join('');
  }

  /** `text` with some parts of it left out, repeated, or replaced. */
  mutate(text: string): string {
    let mutated = text;
    for (let change = this.below(4); change >= 0; change--) {
      const at = this.below(mutated.length + 1);
      const end = Math.min(mutated.length, at + this.below(12));
      const repeated = mutated.slice(at, end).repeat(this.below(this.below(20) === 0 ? 2000 : 4));
      const middle = this.pick([this.text(), '', repeated]);
      mutated = mutated.slice(0, at) + middle + mutated.slice(end);
    }
    return mutated;
  }
}
