/** Of `#!lua name=orders`; undefined: it is no library. */
export function libraryName(code: string): string | undefined {
  return /^#!\w+[^\n]*[ \t]name=(\S+)/.exec(code)?.[1];
}
