/** Type-checks code blocks as modules inside the package, all in one program. */
import path from 'node:path';
import ts from 'typescript';
import { type Block, root } from './blocks.js';

/** What a fragment may use without declaring it. */
const FRAGMENT_PREAMBLE =
  "declare const client: ReturnType<typeof import('redis-multidb').createMultiDbClient>;";

/** The errors of each block, as `README.md:14: message`. Blocks without errors are not in the map. */
export function typeCheck(blocks: readonly Block[]): Map<Block, string[]> {
  const sources = new Map<string, { block: Block; text: string }>();
  for (const block of blocks) {
    const name = `${block.file.replace(/\W/g, '-')}-${block.line}.${block.language}`;
    sources.set(path.join(import.meta.dirname, name), { block, text: moduleText(block) });
  }
  const options = compilerOptions();
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => sources.has(path.normalize(file)) || fileExists(file);
  host.readFile = (file) => sources.get(path.normalize(file))?.text ?? readFile(file);
  host.getSourceFile = (file, languageVersion, ...rest) => {
    const text = sources.get(path.normalize(file))?.text;
    if (text === undefined) return getSourceFile(file, languageVersion, ...rest);
    return ts.createSourceFile(file, text, languageVersion);
  };
  const program = ts.createProgram([...sources.keys()], options, host);

  const errors = new Map<Block, string[]>();
  for (const [file, { block }] of sources) {
    const source = program.getSourceFile(file);
    const found = ts.getPreEmitDiagnostics(program, source).map((diagnostic) => {
      const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
      const position = source?.getLineAndCharacterOfPosition(diagnostic.start ?? 0);
      return `${block.file}:${(position?.line ?? block.line) + 1}: ${message}`;
    });
    if (found.length > 0) errors.set(block, found);
  }
  return errors;
}

/** The code on the lines that it has in its document, so that positions need no translation. */
function moduleText(block: Block): string {
  const preamble = block.mode === 'fragment' ? FRAGMENT_PREAMBLE : '';
  return `${'\n'.repeat(block.line - 1)}${preamble}\n${block.code}\nexport {};\n`;
}

function compilerOptions(): ts.CompilerOptions {
  const file = path.join(root, 'tsconfig.json');
  const { config, error } = ts.readConfigFile(file, ts.sys.readFile);
  if (error) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'));
  // Only the options are wanted, not the files.
  const json = { ...config, include: [], files: [file] };
  const { options } = ts.parseJsonConfigFileContent(json, ts.sys, root);
  // Against the declarations that users get: checking the sources takes several times as long.
  options.paths = undefined;
  // For NestJS.
  options.experimentalDecorators = true;
  return options;
}
