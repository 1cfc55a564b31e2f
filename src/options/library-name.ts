/** The name in `#!lua name=orders`; undefined if the text is not a library. */
export function libraryName(code: string): string | undefined {
  return /^#!\w+[^\n]*[ \t]name=(\S+)/.exec(code)?.[1];
}
