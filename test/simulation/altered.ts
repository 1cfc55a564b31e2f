import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = path.resolve(import.meta.dirname, '../..');

/** A change of the source text; `find` must stand in the file exactly once. */
export interface Edit {
  /** Relative to `src/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** The simulation with the sources that it uses, in one file. */
export interface Build {
  readonly cli: string;
  remove(): void;
}

/**
 * Bundles the simulation and the engine with `edits`, so that it runs in a process of its own. Rejects
 * when an edit finds no file or no place, or more than one.
 */
export async function buildAltered(edits: readonly Edit[]): Promise<Build> {
  const texts = new Map<string, string>();
  for (const edit of edits) {
    const file = path.join(root, 'src', edit.file);
    if (!existsSync(file)) throw new Error(`no file src/${edit.file}`);
    texts.set(file, apply(texts.get(file) ?? readFileSync(file, 'utf8'), edit));
  }
  const loaded = new Set<string>();
  const plant: Plugin = {
    name: 'plant',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
        loaded.add(file);
        const contents = texts.get(file);
        return contents === undefined ? undefined : { contents, loader: 'ts' };
      });
    },
  };
  const { outputFiles } = await build({
    entryPoints: [path.join(root, 'test/simulation/cli.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    logLevel: 'silent',
    plugins: [plant],
  });
  for (const { file } of edits) {
    if (!loaded.has(path.join(root, 'src', file))) {
      throw new Error(`the simulation does not use src/${file}`);
    }
  }
  const target = mkdtempSync(path.join(tmpdir(), 'redis-multidb-altered-'));
  const cli = path.join(target, 'cli.mjs');
  writeFileSync(cli, outputFiles[0]?.contents ?? '');
  return { cli, remove: () => rmSync(target, { recursive: true, force: true }) };
}

/** The text with one edit made. */
export function apply(text: string, { file, find, replace }: Edit): string {
  const places = text.split(find).length - 1;
  if (places !== 1) {
    throw new Error(`src/${file}: ${places} places instead of one to plant in: ${find}`);
  }
  return text.replace(find, () => replace);
}
