import { describe, expect, it } from 'vitest';
import { CLASS_BRAND, isInstance, ownBrand } from './class-brand.js';

/** Each call is a copy of the package. */
function copy() {
  class Base {
    readonly isMade = true;
    static readonly [CLASS_BRAND]: string = 'Base';
    static [Symbol.hasInstance](value: unknown): boolean {
      // biome-ignore lint/complexity/noThisInStatic: a derived class inherits this.
      return isInstance(value, this);
    }
  }
  class Special extends Base {
    static override readonly [CLASS_BRAND]: string = 'Special';
  }
  return { Base, Special };
}

const one = copy();
const other = copy();

describe('instanceof', () => {
  it('holds for the same class and the bases of another copy', () => {
    expect(new other.Special()).toBeInstanceOf(one.Special);
    expect(new other.Special()).toBeInstanceOf(one.Base);
    expect(new other.Base()).not.toBeInstanceOf(one.Special);
  });

  it('holds for a derived class only for what was made by it', () => {
    class Mine extends one.Special {}
    class Others extends other.Special {}
    expect(new Others()).toBeInstanceOf(one.Special);
    expect(new Others()).not.toBeInstanceOf(Mine);
    expect(new one.Special()).not.toBeInstanceOf(Mine);
    expect(new Mine()).toBeInstanceOf(Mine);
    expect(ownBrand(Mine)).toBeUndefined();
  });

  it('fails for what only claims a class', () => {
    for (const value of [null, undefined, 'Base', () => {}, {}, { constructor: one.Base }])
      expect(value instanceof one.Base).toBe(false);
    expect(Object.create(null) instanceof one.Base).toBe(false);
  });
});
