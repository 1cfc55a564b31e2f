import { register } from 'node:module';

/** From now on `@redis/client`, and what lies in it, is version 5. */
export function useVersion5(): void {
  const hook = `export function resolve(specifier, context, next) {
    return next(specifier.replace(/^@redis\\/client(?=\\/|$)/, 'redis-client-5'), context);
  }`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`, import.meta.url);
}
