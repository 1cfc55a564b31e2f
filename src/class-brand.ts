/**
 * `instanceof` across copies of this package: an application loads two copies when one part of it
 * uses `import` and another one `require()`, or when two dependencies need two versions. A class
 * with a brand has an own static member `[CLASS_BRAND]`, its name. A bundler may rename the class,
 * so the brand is its name in messages as well.
 */

/** The key of a class's brand. */
export const CLASS_BRAND: unique symbol = Symbol.for('redis-multidb.class') as never;

interface Class {
  readonly prototype: object;
}

/**
 * Whether `value` is an instance of `asked`, or of the class with the same brand of another copy.
 * `madeAs` is the class of `value` if that is not the class of its prototype. A class that an
 * application derives has no brand of its own, and only its own instances match it.
 */
export function isInstance(value: unknown, asked: Class, madeAs?: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.prototype.isPrototypeOf.call(asked.prototype, value)) return true;
  const brand = ownBrand(asked);
  for (let each = madeAs ?? classOf(value); typeof each === 'function'; each = parentOf(each)) {
    if (each === asked || (brand !== undefined && ownBrand(each) === brand)) return true;
  }
  return false;
}

/** The brand that `asked` itself has; undefined for a class that is derived from one with a brand. */
export function ownBrand(asked: object): string | undefined {
  if (!Object.hasOwn(asked, CLASS_BRAND)) return undefined;
  return (asked as { readonly [CLASS_BRAND]: string })[CLASS_BRAND];
}

/** The class of its prototype; what the value itself calls `constructor` does not count. */
function classOf(value: object): unknown {
  const prototype = Object.getPrototypeOf(value) as { readonly constructor?: unknown } | null;
  return prototype?.constructor;
}

function parentOf(child: object): unknown {
  return Object.getPrototypeOf(child);
}
