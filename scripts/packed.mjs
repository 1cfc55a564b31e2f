// Checks of the package as a user installs it. Node.js built-ins only.

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { capture, installed, root, run } from './run.mjs';

const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];
const ALLOWED_FILES = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|(config|steering)\.schema\.json)$/,
  /^dist\/.+\.(js|cjs|d\.ts|d\.cts)(\.map)?$/,
  /^src\/(?!.*\.test\.).+\.ts$/,
  /^docs\/((guides\/)?[\w-]+\.md|guides\/[\w-]+\.yaml|alerts(\.test)?\.yml|grafana-dashboard\.json|images\/[\w-]+\.(png|svg))$/,
  /^examples\/(README\.md|[\w.-]+\/(README\.md|package\.json|tsconfig\.json|[\w-]+\.[jt]s))$/,
];
const REQUIRED_FILES = [
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'SECURITY.md',
  'config.schema.json',
  'steering.schema.json',
];
/** Pages for contributors, only in the repository. */
const REPOSITORY_ONLY = new Set(['CONTRIBUTING.md', 'AGENTS.md']);
/**
 * Of the whole tarball. More than half of it are the sources and their maps (a megabyte), by which
 * "go to definition" and stack traces lead to TypeScript; they are not loaded at run time.
 */
const MAX_BYTES = 2_250_000;

/**
 * Packs dist/ as it is and returns the path of the tarball. Throws if it holds a file that no user
 * needs, or lacks one that every user does.
 * @param {string} directory where the tarball goes
 */
export async function pack(directory) {
  const json = await capture('npm', [
    'pack',
    '--json',
    '--ignore-scripts',
    '--loglevel=error',
    `--pack-destination=${directory}`,
  ]);
  const [report] = JSON.parse(json);
  /** @type {string[]} */
  const files = report.files.map((/** @type {{ path: string }} */ file) => file.path);
  const unwanted = files.filter((file) => !ALLOWED_FILES.some((allowed) => allowed.test(file)));
  if (unwanted.length > 0) throw new Error(`The package must not hold: ${unwanted.join(', ')}`);
  const texts = files.filter((file) => file.endsWith('.md'));
  const missing = [...REQUIRED_FILES, ...new Set(texts.flatMap(linkedFrom))].filter(
    (wanted) =>
      !REPOSITORY_ONLY.has(wanted) &&
      !files.some((file) => file === wanted || file.startsWith(`${wanted}/`)),
  );
  if (missing.length > 0) throw new Error(`The package lacks: ${missing.join(', ')}`);
  if (report.size > MAX_BYTES) throw new Error(`The package has ${report.size} bytes`);
  console.log(`${report.filename}: ${files.length} files, ${report.size} bytes`);
  return path.join(directory, report.filename);
}

/**
 * The files and directories that `file` links to, images among them: they have to be there offline.
 * @param {string} file
 */
function linkedFrom(file) {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(/\]\((?!\w+:)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target = '']) =>
    path.posix.join(path.posix.dirname(file), target),
  );
}

/**
 * @param {string} tarball
 * @param {(text: string) => void} [write] takes the output, instead of passing it through
 */
export async function lintPackage(tarball, write) {
  const publint = installed('publint/src/cli.js');
  await run(process.execPath, [publint, 'run', '--strict', tarball], { write });
  const attw = installed('@arethetypeswrong/cli/dist/index.js');
  await run(process.execPath, [attw, tarball], { write });
}

/**
 * The path of a Node.js binary, from the npm packages that carry one, installed at first use.
 * @param {string} version a range or tag, e.g. `22` or `latest`
 */
export async function nodeBinary(version) {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const prefix = platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  const name = `${prefix}-${platform}-${process.arch}`;
  const home = path.join(root, 'node_modules/.cache/node-versions', version);
  const binary = path.join(
    home,
    'node_modules',
    name,
    platform === 'win' ? 'bin/node.exe' : 'bin/node',
  );
  if (!existsSync(binary)) {
    createProject(home);
    await capture('npm', ['install', ...QUIET, `${name}@${version}`], { cwd: home });
  }
  return binary;
}

/**
 * Installs the tarball into one project per supported version of the client, and returns the paths
 * of the projects' smoke scripts.
 * @param {string} tarball
 * @param {string} directory where the projects go
 */
export async function installPacked(tarball, directory) {
  // The optional peers in one of them: without them everything else has to work all the same.
  const projects = [
    { client: clientPackage(), peers: optionalPeers() },
    { client: manifest().devDependencies['redis-client-5'].replace('npm:', ''), peers: [] },
  ];
  const scripts = [];
  for (const { client, peers } of projects) {
    const project = path.join(directory, client.replace(/\W+/g, '-'));
    createProject(project);
    await capture('npm', ['install', ...QUIET, tarball, client, ...peers], { cwd: project });
    for (const file of ['test/packed/smoke.mjs', 'scripts/free-port.mjs']) {
      cpSync(path.join(root, file), path.join(project, file));
    }
    scripts.push(path.join(project, 'test/packed/smoke.mjs'));
  }
  return scripts;
}

function manifest() {
  return JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
}

/** The client library, in the version that the tests run with. */
export function clientPackage() {
  return `@redis/client@${manifest().devDependencies['@redis/client']}`;
}

/** The optional peers, in the versions that the tests run with. */
export function optionalPeers() {
  const { devDependencies, peerDependenciesMeta } = manifest();
  return Object.keys(peerDependenciesMeta).map((name) => `${name}@${devDependencies[name]}`);
}

/** @param {string} directory */
function createProject(directory) {
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, 'package.json'), '{ "private": true }\n');
}
