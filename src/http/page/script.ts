import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/**
 * The browser code of the page, `browser/main.ts` and what it imports, as one script. The build
 * replaces this module by its value (`scripts/build.mjs`), so that only runs from the sources need
 * esbuild.
 */
export const SCRIPT = bundle();

function bundle(): string {
  // The same place seen from src/ and from dist/.
  const entry = new URL('../../../src/http/page/browser/main.ts', import.meta.url);
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
  });
  return outputFiles[0]?.text.trim() ?? '';
}
