import type { CommandArgument } from '../../core/command-argument.js';

type Values = CommandArgument | readonly CommandArgument[];

/**
 * The parser that `parseCommand` of a node-redis command writes to, without node-redis's list of keys:
 * a command of up to three arguments takes an array of just that size.
 *
 * It can be used again after `take()`. Whoever calls `parseCommand` has to fall back to node-redis's
 * parser if it throws: it may use a member that is missing here.
 */
export class ArgumentList {
  preserve: unknown = undefined;
  #first: CommandArgument = '';
  #second: CommandArgument = '';
  #third: CommandArgument = '';
  #count = 0;
  /** All of them, once there are four or `redisArgs` has been read. */
  #all: CommandArgument[] | undefined = undefined;

  /** Returns the arguments, and forgets them and `preserve`. */
  take(): CommandArgument[] {
    const args = this.redisArgs;
    this.preserve = undefined;
    this.#first = '';
    this.#second = '';
    this.#third = '';
    this.#count = 0;
    this.#all = undefined;
    return args;
  }

  get redisArgs(): CommandArgument[] {
    this.#all ??= this.#few();
    return this.#all;
  }

  get keys(): never {
    throw new TypeError('keys are not listed');
  }

  get firstKey(): never {
    throw new TypeError('keys are not listed');
  }

  push(...values: readonly CommandArgument[]): void {
    // Faster than an iterator: this is called for each command.
    for (let index = 0; index < values.length; index += 1) {
      this.#add(values[index] as CommandArgument);
    }
  }

  pushVariadic(values: Values): void {
    if (Array.isArray(values)) for (const value of values) this.#add(value);
    else this.#add(values as CommandArgument);
  }

  pushVariadicWithLength(values: Values): void {
    this.#add(Array.isArray(values) ? values.length.toString() : '1');
    this.pushVariadic(values);
  }

  pushVariadicNumber(values: number | readonly number[]): void {
    if (Array.isArray(values)) for (const value of values) this.#add(value.toString());
    else this.#add(values.toString());
  }

  pushKey(key: CommandArgument): void {
    this.#add(key);
  }

  pushKeys(keys: Values): void {
    this.pushVariadic(keys);
  }

  pushKeysLength(keys: Values): void {
    this.pushVariadicWithLength(keys);
  }

  #add(value: CommandArgument): void {
    this.#count += 1;
    if (this.#all !== undefined) this.#all.push(value);
    else if (this.#count === 1) this.#first = value;
    else if (this.#count === 2) this.#second = value;
    else if (this.#count === 3) this.#third = value;
    else this.#all = [this.#first, this.#second, this.#third, value];
  }

  #few(): CommandArgument[] {
    if (this.#count === 1) return [this.#first];
    if (this.#count === 2) return [this.#first, this.#second];
    return this.#count === 3 ? [this.#first, this.#second, this.#third] : [];
  }
}
