// Builds src/ into an empty dist/, with tsdown: each entry point as an ES module and as CommonJS with
// types for both, and the command line as an ES module. Entry points share chunks.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'tsdown';
import { tsImport } from 'tsx/esm/api';
import { ENTRY_POINTS } from './entry-points.mjs';
import { root } from './run.mjs';

const source = (/** @type {string} */ entry) => path.join(root, 'src', `${entry}.ts`);
const library = Object.fromEntries(ENTRY_POINTS.map(({ entry }) => [entry, source(entry)]));

/**
 * Puts the script of the status page into the place of the module that bundles it.
 * @type {import('rolldown').Plugin}
 */
const pageScript = {
  name: 'page-script',
  load: {
    filter: { id: /[\\/]http[\\/]page[\\/]script\.ts$/ },
    async handler(id) {
      const { SCRIPT } = await tsImport(id, import.meta.url);
      return { code: `export const SCRIPT = ${JSON.stringify(SCRIPT)};\n`, moduleType: 'js' };
    },
  },
};

/**
 * Whether a chunk is an ES module, and not types, which are built by the same plugins.
 * @param {{ fileName: string }} chunk
 * @param {string} format
 */
function isModule({ fileName }, format) {
  return format === 'es' && fileName.endsWith('.js');
}

/**
 * Takes the modules of Node.js from `process.getBuiltinModule()`. An `import` of them would first
 * list everything that each of them exports, which loads parts that nobody uses: three milliseconds
 * for the main entry point.
 * @type {import('rolldown').Plugin}
 */
const builtinModules = {
  name: 'builtin-modules',
  renderChunk(code, chunk, { format }) {
    if (!isModule(chunk, format)) return null;
    const changed = code.replace(
      /^import (\{ [^}]+ \}|\w+) from ("node:[^"]+");$/gm,
      (_, names, name) =>
        `const ${names.replaceAll(' as ', ': ')} = process.getBuiltinModule(${name});`,
    );
    // The lines stay what they were, so the source map is still right.
    return { code: changed, map: null };
  },
};

/**
 * Loads code on demand so that a failure can be repeated. Node.js remembers for ever that an ES module
 * could not be read, for instance while no file descriptor was free; only another address is read
 * again. CommonJS forgets it. What such code imports in turn is loaded already, or it would meet the
 * same memory: `test/surface/imports.test.ts` checks that.
 * @type {import('rolldown').Plugin}
 */
const repeatableImports = {
  name: 'repeatable-imports',
  renderChunk(code, chunk, { format }) {
    if (!isModule(chunk, format) || !CHUNKS.includes(chunk.name)) return null;
    if (!/\bimport\("\.\.?\//.test(code)) return null;
    const changed = code.replace(
      /\bimport\(("\.\.?\/[^"]+")\)/g,
      (original, file) => `${original}.catch(() => importAgain(${file}))`,
    );
    const importAgain = `
let again = 0;
function importAgain(file) {
	const { href } = new URL(file, import.meta.url);
	return import(/* webpackIgnore: true */ /* @vite-ignore */ href + "?again=" + (again += 1));
}
`;
    // Below everything else, so the source map is still right.
    return { code: changed + importAgain, map: null };
  },
};

/** Loaded on demand, but by more than one of those: what they share must be loaded before. */
const SHARED = [
  'core/hash-slot.ts',
  'foreign/bounded-body.ts',
  'drivers/node-redis/found-connection.ts',
  'drivers/node-redis/sentinel/address.ts',
];

const CHUNKS = ['base', 'client'];

/**
 * The main entry point loads two chunks, because each file that is loaded costs about a
 * millisecond: what other entry points load without a client as well, and the client with its
 * engine. What it imports dynamically becomes a chunk of its own.
 * @param {string} id
 */
function chunkOf(id) {
  const file = path.relative(path.join(root, 'src'), id).replaceAll(path.sep, '/');
  if (SHARED.includes(file)) return 'base';
  if (!ofMainEntry.has(file) || file === 'index.ts') return undefined;
  return /^(client|drivers|runtime)\//.test(file) ? 'client' : 'base';
}

/** The files that src/index.ts imports, by paths below src/. @type {Set<string>} */
const ofMainEntry = new Set();
collectImports('index.ts');

/** @param {string} file */
function collectImports(file) {
  if (ofMainEntry.has(file)) return;
  ofMainEntry.add(file);
  const text = readFileSync(path.join(root, 'src', file), 'utf8');
  for (const [, target = ''] of text.matchAll(
    /^(?:import|export|\}) (?!type )[^;]*?from '(\.[^']+)\.js';$/gm,
  ))
    collectImports(`${path.posix.join(path.posix.dirname(file), target)}.ts`);
}

/** @type {import('tsdown').InlineConfig} */
const shared = {
  config: false,
  cwd: root,
  outDir: 'dist',
  tsconfig: 'tsconfig.build.json',
  platform: 'node',
  target: 'node20.19',
  fixedExtension: false,
  hash: false,
  clean: false,
  sourcemap: true,
  dts: { entry: Object.values(library).map((file) => path.relative(root, file)), sourcemap: true },
  plugins: [pageScript, builtinModules, repeatableImports],
  // Without the comments that name the source of each part: the source maps say so.
  inputOptions: { experimental: { attachDebugInfo: 'none' } },
  // Everything else is a dependency or a peer of the package.
  deps: { onlyBundle: [] },
  checks: { legacyCjs: false, pluginTimings: false },
  logLevel: 'warn',
  failOnWarn: true,
  outputOptions: {
    // The package holds src/, where the maps lead to.
    sourcemapExcludeSources: true,
    comments: false,
    codeSplitting: {
      groups: CHUNKS.map((name, index) => ({
        name,
        test: (id) => chunkOf(id) === name,
        // A chunk takes what its modules import, so the lowest one goes first.
        priority: CHUNKS.length - index,
      })),
    },
    // Jest has no `import()` in CommonJS.
    dynamicImportInCjs: false,
  },
};

const dist = path.join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
await Promise.all([
  build({ ...shared, format: 'esm', entry: { ...library, 'cli/main': source('cli/main') } }),
  build({ ...shared, format: 'cjs', entry: library }),
]);
for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  if (/\.d\.c?ts$/.test(file)) restoreNames(path.join(dist, file));
}

inlineRuntime();

/** Puts the helpers of the bundler for CommonJS into `base`, because each file takes time to load. */
function inlineRuntime() {
  const name = 'rolldown-runtime.cjs';
  const runtime = readFileSync(path.join(dist, name), 'utf8');
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.cjs')) continue;
    const text = readFileSync(path.join(dist, file), 'utf8');
    const changed =
      file === 'base.cjs'
        ? // In one line, so that the source map stays right.
          text.replace(
            `const require_rolldown_runtime = require("./${name}");`,
            () =>
              `${runtime.trim().replace(/\n\s*/g, ' ')} const require_rolldown_runtime = exports;`,
          )
        : text.replace(/(require\("\.\.?\/)rolldown-runtime\.cjs"\)/, '$1base.cjs")');
    if (changed !== text) writeFileSync(path.join(dist, file), changed);
  }
  rmSync(path.join(dist, name));
}

/**
 * Gives types their own names again: the bundler numbers a name (`ClientClosedError$1`) that a
 * module of another package has as well, also when nothing in the types means that one.
 * @param {string} file
 */
function restoreNames(file) {
  const text = readFileSync(file, 'utf8');
  const restored = text.replace(/\b(\w+)\$\d+\b/g, (numbered, name) => {
    const isTaken = new RegExp(
      `^(import .*|(export )?(declare )?(abstract )?(class|const|enum|function|interface|let|namespace|type) )\\b${name}\\b(?!\\$)`,
      'm',
    );
    const variants = new Set(text.match(new RegExp(`\\b${name}\\$\\d+\\b`, 'g')));
    return isTaken.test(text) || variants.size > 1 ? numbered : name;
  });
  if (restored !== text) writeFileSync(file, restored);
}
