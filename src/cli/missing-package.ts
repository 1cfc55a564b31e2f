/** Returns a sentence about a package that is not installed; `undefined` for any other error. */
export function missingPackage(error: unknown): string | undefined {
  const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  if (code !== 'ERR_MODULE_NOT_FOUND') return undefined;
  const name = /^Cannot find package '((?:@[\w.-]+\/)?[\w.-]+)[^']*'/.exec(message)?.[1];
  return name === undefined ? undefined : `${name} is not installed; run npm install ${name}`;
}
