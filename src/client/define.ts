/** Defines own properties that are not enumerable and not replaced by accident. */
export function define(target: object, members: object): void {
  for (const key of Reflect.ownKeys(members)) {
    const descriptor = Object.getOwnPropertyDescriptor(members, key) as PropertyDescriptor;
    Object.defineProperty(target, key, { ...descriptor, enumerable: false, configurable: true });
  }
}
