// The consumers of the package, one row each: what installs it, compiles it and fails over with it.

import path from 'node:path';
import { freePort } from '../free-port.mjs';
import { capture, installed } from '../run.mjs';
import { appText, NotAvailableError, Project, plainText } from './project.mjs';

/**
 * `packages`: the tarball and the client, as the README tells to install them.
 * @typedef {{ directory: string, tarball: string, packages: string[], peers: string[] }} Setting
 * @typedef {{ name: string, perform: (setting: Setting) => Promise<void> }} Row
 */

const TYPES_NODE = '@types/node@20';
const NODE = process.execPath;

/**
 * How TypeScript resolves the package, and the format of what it writes. `whole`: the types of the
 * package are checked as well, and what was compiled runs. One mode of each format does that, because
 * the others find the same files.
 * @typedef {{ module: string, moduleResolution?: string, type: 'commonjs' | 'module', whole?: boolean }} Mode
 * @type {readonly Mode[]}
 */
const MODES = [
  { module: 'commonjs', type: 'commonjs', whole: true },
  { module: 'node16', type: 'commonjs' },
  { module: 'node16', type: 'module' },
  { module: 'nodenext', type: 'commonjs' },
  { module: 'nodenext', type: 'module', whole: true },
  { module: 'esnext', moduleResolution: 'bundler', type: 'module' },
];

/**
 * Compiles the application in one mode. Where the mode is whole, the types of the package are checked
 * and the application runs.
 * @param {Project} project where the package is installed
 * @param {string} tsc
 * @param {Mode} mode
 * @param {object} [options] of the compiler
 */
async function compileAndRun(project, tsc, mode, options = {}) {
  const { module, moduleResolution, type, whole = false } = mode;
  const name = `${moduleResolution ?? module}-${type}`;
  const files = ['failover.ts', 'main.ts', 'peers.ts'];
  project.write(`${name}/package.json`, JSON.stringify({ private: true, type }));
  for (const file of files) project.write(`${name}/${file}`, appText(file));
  const compilerOptions = {
    target: 'ES2022',
    module,
    ...(moduleResolution === undefined ? {} : { moduleResolution }),
    strict: true,
    skipLibCheck: !whole,
    types: ['node'],
    rootDir: '.',
    outDir: 'out',
    ...options,
  };
  project.write(`${name}/tsconfig.json`, JSON.stringify({ compilerOptions, files }));
  const errors = await typeErrors(project, [tsc, '-p', `${name}/tsconfig.json`]);
  if (errors.length > 0) throw new Error(`${name}:\n${errors.join('\n')}`);
  if (!whole) return;
  project.write(`${name}/out/package.json`, JSON.stringify({ private: true, type }));
  await project.failsOver(NODE, [`${name}/out/main.js`]);
  await project.run(NODE, [`${name}/out/peers.js`]);
}

/**
 * The errors in the application and in the types of the package; those in the types of others are
 * theirs.
 * @param {Project} project
 * @param {string[]} args
 */
async function typeErrors(project, args) {
  const output = await project.run(NODE, args).then(
    () => '',
    (/** @type {Error} */ error) => error.message,
  );
  const lines = output.split('\n').filter((line) => /error TS\d+/.test(line));
  if (output !== '' && lines.length === 0) throw new Error(output);
  return lines.filter((line) => !/node_modules[\\/](?!redis-multidb[\\/])/.test(line));
}

/** @param {string} version @returns {Row} */
function typescript(version) {
  return {
    name: `typescript-${version}`,
    async perform({ directory, packages, peers }) {
      const project = new Project(directory);
      await project.install(...packages, ...peers, `typescript@${version}`, TYPES_NODE);
      const tsc = project.installed('typescript/bin/tsc');
      for (const mode of MODES) await compileAndRun(project, tsc, mode);
    },
  };
}

/** @param {string} major @returns {Row} */
function jest(major) {
  return {
    name: `jest-${major}`,
    async perform({ directory, packages }) {
      const project = new Project(directory);
      await project.install(...packages, `jest@${major}`);
      project.write('failover.js', plainText('failover.ts', 'cjs'));
      project.write('failover.test.js', testText("const { failover } = require('./failover.js');"));
      await project.failsOver(NODE, [project.installed('jest/bin/jest.js')], {
        prints: /1 passed/,
      });
    },
  };
}

/** @param {string} imports */
function testText(imports) {
  return `${imports}
test('fails over', async () => {
  expect(await failover()).toContain('east -> west: health-check');
}, 60_000);
`;
}

/** @type {Row} */
const vitest = {
  name: 'vitest',
  async perform({ directory, packages }) {
    const project = new Project(directory, { type: 'module' });
    await project.install(...packages, 'vitest');
    project.write('failover.ts', appText('failover.ts'));
    const imports =
      "import { expect, test } from 'vitest';\nimport { failover } from './failover.js';";
    project.write('failover.test.js', testText(imports));
    const args = [project.installed('vitest/vitest.mjs'), 'run'];
    await project.failsOver(NODE, args, { prints: /1 passed/ });
  },
};

/** @type {Row} */
const nodeTest = {
  name: 'node-test',
  async perform({ directory, packages }) {
    const project = new Project(directory);
    await project.install(...packages);
    project.writePlain();
    await runNodeTest(project);
  },
};

/** Runs the application by node:test as an ES module and as CommonJS. @param {Project} project */
export async function runNodeTest(project) {
  for (const [ending, imports] of [
    ['mjs', "import test from 'node:test';\nimport { failover } from './failover.mjs';"],
    ['cjs', "const test = require('node:test');\nconst { failover } = require('./failover.cjs');"],
  ]) {
    project.write(`a.test.${ending}`, `${imports}\ntest('fails over', () => failover());\n`);
    const args = ['--test', '--test-reporter=tap', `a.test.${ending}`];
    await project.failsOver(NODE, args, { prints: /^# pass 1$/m });
  }
}

const NEST = ['common', 'core', 'testing', 'platform-express'].map((name) => `@nestjs/${name}@11`);

/** @type {Row} */
const nest = {
  name: 'nestjs-11',
  async perform({ directory, packages }) {
    const project = new Project(directory, {
      jest: { preset: 'ts-jest', testEnvironment: 'node', testRegex: '\\.spec\\.ts$' },
    });
    const tools = ['typescript@5.9', 'jest@29', 'ts-jest@29', '@types/jest@29', TYPES_NODE];
    await project.install(...packages, ...NEST, 'reflect-metadata', 'rxjs@7', ...tools);
    for (const file of ['databases.ts', 'databases.spec.ts', 'main.ts'])
      project.write(file, appText(`nest/${file}`));
    const compilerOptions = {
      target: 'ES2022',
      module: 'commonjs',
      strict: true,
      esModuleInterop: true,
      emitDecoratorMetadata: true,
      experimentalDecorators: true,
      types: ['node', 'jest'],
      outDir: 'out',
    };
    project.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    await project.run(NODE, [project.installed('typescript/bin/tsc'), '-p', '.']);
    await project.failsOver(NODE, ['out/main.js']);
    await project.failsOver(NODE, [project.installed('jest/bin/jest.js')], { prints: /1 passed/ });
  },
};

/**
 * The same as ES modules. Vitest runs what the compiler wrote, which has the types of parameters.
 * @type {Row}
 */
const nestVitest = {
  name: 'nestjs-11-vitest',
  async perform({ directory, packages }) {
    const project = new Project(directory, { type: 'module' });
    const tools = ['typescript@5.9', 'vitest@4', TYPES_NODE];
    await project.install(...packages, ...NEST, 'reflect-metadata', 'rxjs@7', ...tools);
    for (const file of ['databases.ts', 'databases.spec.ts', 'main.ts'])
      project.write(file, appText(`nest/${file}`).replace("'./databases'", "'./databases.js'"));
    const compilerOptions = {
      target: 'ES2022',
      module: 'nodenext',
      strict: true,
      emitDecoratorMetadata: true,
      experimentalDecorators: true,
      // The types of Vitest need those of optional peers.
      skipLibCheck: true,
      types: ['node', 'vitest/globals'],
      outDir: 'out',
    };
    project.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    await project.run(NODE, [project.installed('typescript/bin/tsc'), '-p', '.']);
    await project.failsOver(NODE, ['out/main.js']);
    const args = [project.installed('vitest/vitest.mjs'), 'run', '--globals', '--dir', 'out'];
    await project.failsOver(NODE, args, { prints: /1 passed/ });
  },
};

/** @type {Row} */
const next = {
  name: 'nextjs',
  async perform({ directory, packages }) {
    const project = new Project(directory, { type: 'module' });
    await project.install(...packages, 'next', 'react', 'react-dom');
    project.write('failover.mjs', plainText('failover.ts', 'mjs'));
    project.write('app/layout.js', appText('next/layout.js'));
    project.write('app/api/failover/route.js', appText('next/route.js'));
    const bin = project.installed('next/dist/bin/next');
    const quiet = { NEXT_TELEMETRY_DISABLED: '1' };
    await project.run(NODE, [bin, 'build'], quiet);
    const port = await freePort();
    const script = `
      const { spawn } = require('node:child_process');
      const server = spawn(process.execPath, [${JSON.stringify(bin)}, 'start', '-p', '${port}'], { stdio: 'inherit' });
      const ask = async () => {
        for (;;) {
          try {
            return await (await fetch('http://127.0.0.1:${port}/api/failover')).text();
          } catch {
            await new Promise((resolve) => setTimeout(resolve, 100));
          }
        }
      };
      server.once('exit', () => process.exit(1));
      ask().then((text) => {
        console.log(text);
        server.removeAllListeners('exit').once('exit', () => process.exit(0));
        server.kill('SIGKILL');
      });`;
    await project.failsOver(NODE, ['-e', script], { env: quiet });
  },
};

const OPTIONAL_PEERS_OF_CLIENT = ['@opentelemetry/api', '@node-rs/xxhash'];

/** ES modules need \`require\` for the CommonJS that a bundler puts into them. */
const REQUIRE =
  "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);";

/**
 * Bundles the application with everything that it needs, minified, and runs it where nothing is
 * installed.
 * @param {Project} project
 * @param {(input: string, format: 'esm' | 'cjs', output: string) => Promise<unknown>} bundle
 */
async function bundleAndRun(project, bundle) {
  for (const [format, input, output] of /** @type {const} */ ([
    ['esm', 'main.mjs', 'bundle.mjs'],
    ['cjs', 'main.mjs', 'from-esm.cjs'],
    ['cjs', 'main.cjs', 'bundle.cjs'],
  ])) {
    const target = path.join(`${project.directory}-bundled`, output);
    await bundle(path.join(project.directory, input), format, target);
    await project.failsOver(NODE, [target]);
  }
}

/**
 * @param {Project} project
 * @param {string} esbuild path of the package
 */
export function bundleByEsbuild(project, esbuild) {
  return bundleAndRun(project, (input, format, output) => {
    const options = {
      entryPoints: [input],
      outfile: output,
      bundle: true,
      minify: true,
      platform: 'node',
      format,
      external: OPTIONAL_PEERS_OF_CLIENT,
      banner: { js: format === 'esm' ? REQUIRE : '' },
    };
    const script = `require(${JSON.stringify(esbuild)}).buildSync(${JSON.stringify(options)})`;
    return project.run(NODE, ['-e', script]);
  });
}

/** @type {Row} */
const esbuild = {
  name: 'esbuild',
  async perform({ directory, packages }) {
    const project = new Project(directory);
    await project.install(...packages, 'esbuild');
    project.writePlain();
    await bundleByEsbuild(project, project.installed('esbuild'));
  },
};

/** @type {Row} */
const webpack = {
  name: 'webpack',
  async perform({ directory, packages }) {
    const project = new Project(directory);
    await project.install(...packages, 'webpack@5');
    project.writePlain();
    await bundleAndRun(project, (input, format, output) => {
      const isModule = format === 'esm';
      const configuration = {
        mode: 'production',
        target: 'node20',
        entry: input,
        experiments: { outputModule: isModule },
        output: {
          path: path.dirname(output),
          filename: path.basename(output),
          chunkFormat: isModule ? 'module' : 'commonjs',
          module: isModule,
          library: { type: isModule ? 'module' : 'commonjs2' },
        },
      };
      const script = `
        require('webpack')(${JSON.stringify(configuration)}, (error, stats) => {
          if (error || stats.hasErrors()) {
            console.error(error ?? stats.toString({ all: false, errors: true }));
            process.exitCode = 1;
          }
        });`;
      return project.run(NODE, ['-e', script]);
    });
  },
};

/**
 * The manifest of a project whose package manager is not npm: what the README tells to install.
 * @param {Setting} setting
 */
function dependencies({ tarball, packages }) {
  const client = packages.find((each) => each.startsWith('@redis/client@')) ?? '';
  return {
    'redis-multidb': `file:${tarball}`,
    '@redis/client': client.slice('@redis/client@'.length),
  };
}

/**
 * Runs a package manager that is installed beside the project.
 * @param {Setting} setting
 * @param {string} name
 * @param {string} specifier
 */
async function tool(setting, name, specifier) {
  const tools = new Project(`${setting.directory}-${name}`);
  await tools.install(specifier);
  const registry = (await capture('npm', ['config', 'get', 'registry'])).trim();
  return { tools, registry };
}

/** @type {Row} */
const pnpm = {
  name: 'pnpm',
  async perform(setting) {
    const project = new Project(setting.directory, { dependencies: dependencies(setting) });
    const { tools, registry } = await tool(setting, 'tools', 'pnpm@10');
    const env = { npm_config_registry: registry };
    const args = [tools.installed('pnpm/bin/pnpm.cjs'), 'install', '--ignore-workspace'];
    await available(project.run(NODE, args, env));
    project.writePlain();
    for (const main of ['main.mjs', 'main.cjs']) await project.failsOver(NODE, [main]);
  },
};

/** @type {Row} */
const yarn = {
  name: 'yarn-pnp',
  async perform(setting) {
    const project = new Project(setting.directory, { dependencies: dependencies(setting) });
    const { tools, registry } = await tool(setting, 'tools', '@yarnpkg/cli-dist@4');
    const bin = tools.installed('@yarnpkg/cli-dist/bin/yarn.js');
    project.write('yarn.lock', '');
    project.write(
      '.yarnrc.yml',
      `nodeLinker: pnp\nnpmRegistryServer: ${JSON.stringify(registry.replace(/\/$/, ''))}\nenableTelemetry: false\nenableGlobalCache: false\n`,
    );
    await available(
      project.run(NODE, [bin, 'install'], { YARN_ENABLE_IMMUTABLE_INSTALLS: 'false' }),
    );
    project.writePlain();
    for (const main of ['main.mjs', 'main.cjs']) await project.failsOver(NODE, [bin, 'node', main]);
  },
};

/**
 * Tells a package manager that can't fetch from a package that does not work.
 * @param {Promise<unknown>} installing
 */
async function available(installing) {
  try {
    await installing;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (/ENOTFOUND|ECONNREFUSED|ETIMEDOUT|E40\d|\b40[134]\b|network/i.test(text))
      throw new NotAvailableError(text.split('\n').slice(0, 8).join('\n'));
    throw error;
  }
}

/** @type {Row} */
const bun = {
  name: 'bun',
  async perform({ directory, packages }) {
    const project = new Project(directory);
    await project.install(...packages, 'bun');
    const bin = await binary(
      project,
      'bun/bin/bun.exe',
      `@oven/bun-${process.platform}-${process.arch}/bin/bun`,
    );
    project.writePlain();
    for (const file of ['failover.ts', 'main.ts']) project.write(file, appText(file));
    for (const main of ['main.ts', 'main.mjs', 'main.cjs'])
      await project.failsOver(bin, ['run', main]);
  },
};

/** @type {Row} */
const deno = {
  name: 'deno',
  async perform({ directory, packages }) {
    const project = new Project(directory);
    await project.install(...packages, 'deno');
    const libc = process.platform === 'linux' ? '-glibc' : '';
    const name = `${process.platform}-${process.arch}${libc}`;
    const bin = await binary(project, `@deno/${name}/deno`);
    project.writePlain();
    for (const main of ['main.mjs', 'main.cjs'])
      await project.failsOver(bin, ['run', '-A', '--node-modules-dir=manual', main], {
        env: { DENO_NO_UPDATE_CHECK: '1', DENO_DIR: path.join(project.directory, '.deno') },
      });
  },
};

/**
 * The program that a package carries for this platform.
 * @param {Project} project
 * @param {string[]} files below node_modules: the script of an installation may move it
 */
async function binary(project, ...files) {
  for (const file of files) {
    const works = project.run(project.installed(file), ['--version']).then(
      () => true,
      () => false,
    );
    if (await works) return project.installed(file);
  }
  throw new NotAvailableError(`no program for this machine: ${files.join(', ')}`);
}

/** @type {readonly Row[]} */
export const ROWS = [
  ...['5.0', '5.4', '5.9', 'latest'].map(typescript),
  ...['29', '30'].map(jest),
  vitest,
  nodeTest,
  nest,
  nestVitest,
  next,
  esbuild,
  webpack,
  pnpm,
  yarn,
  bun,
  deno,
];

/**
 * A part that needs nothing but the project in which the package, the client and its optional peers
 * are installed: the tools are those of this repository.
 * @param {string} directory
 */
export async function performQuickly(directory) {
  const project = new Project(path.join(directory, 'quick'));
  const options = { typeRoots: [installed('@types')] };
  for (const mode of MODES.filter(({ whole }) => whole))
    await compileAndRun(project, installed('typescript/bin/tsc'), mode, options);
  project.writePlain();
  await runNodeTest(project);
  await bundleByEsbuild(project, installed('esbuild'));
}
