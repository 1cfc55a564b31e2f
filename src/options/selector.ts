import { invalid } from '../validation/check.js';

const EXPECTED = 'an array of error classes, or a function `(error) => boolean`';

/**
 * Converts an `ErrorSelector` into a predicate that never throws. For a list of classes, an error
 * matches if it is an instance of one. A function that throws, or returns anything but `true`, does
 * not match. An empty list matches nothing.
 */
export function compileSelector(selector: unknown, at: string): (error: Error) => boolean {
  if (Array.isArray(selector)) {
    const classes = selector.map((item, index) => errorClass(item, `${at}[${index}]`));
    return (error) => classes.some((one) => error instanceof one);
  }
  if (typeof selector !== 'function') throw invalid(at, EXPECTED, selector);
  if (isErrorClass(selector)) throw invalid(at, `${EXPECTED}; put the class in an array`, selector);
  return (error) => {
    try {
      return selector(error) === true;
    } catch {
      return false;
    }
  };
}

function errorClass(item: unknown, at: string): new () => Error {
  if (typeof item !== 'function' || !isErrorClass(item)) {
    throw invalid(at, 'a class that extends Error', item);
  }
  return item;
}

// biome-ignore lint/complexity/noBannedTypes: any function may stand here, that is the question
function isErrorClass(value: Function): value is new () => Error {
  return value === Error || value.prototype instanceof Error;
}
