/**
 * The layers of src/, from the top (docs/architecture.md). A layer imports only what stands below it, types
 * included; the entries of one row may import each other as long as there is no cycle.
 */
const LAYERS = [
  ['cli', 'drill'],
  ['what-if'],
  ['ioredis', 'redis', 'http', 'otel', 'prometheus', 'config', 'metrics', 'testing'],
  ['steering'],
  ['client'],
  ['diagnostics'],
  ['runtime'],
  ['drivers'],
  ['options'],
  ['health-strategies'],
  ['name-lookup', 'foreign', 'test-bed'],
  ['core', 'validation'],
];
/**
 * The folders of the engine, from the top, by the same rule. Between the last two stand the files of
 * src/runtime/ itself, which all folders but connection/ share.
 */
const ENGINE = [
  ['group'],
  ['report'],
  ['transaction', 'pubsub'],
  ['command'],
  ['failover'],
  ['health'],
  ['connection'],
];
/** Files of src/ itself that every layer may import. */
const BASE = [
  'errors',
  'events',
  'clock',
  'loop-clock',
  'terminal',
  'clean-text',
  'received-value',
  'process-state',
  'class-brand',
  'is-error',
];

const folders = (names) => `^src/(${names.join('|')})/`;
const engine = (names) => `^src/runtime/(${names.join('|')})/`;
const sources = { pathNot: '\\.test\\.ts$' };

const upward = LAYERS.slice(1).map((names, index) => ({
  name: `no-import-upward-from-${names.join('-')}`,
  comment: 'A layer imports only what stands below it.',
  severity: 'error',
  from: { ...sources, path: folders(names) },
  to: { path: folders(LAYERS.slice(0, index + 1).flat()) },
}));

const upwardInEngine = ENGINE.slice(1).map((names, index) => ({
  name: `no-import-upward-from-runtime-${names.join('-')}`,
  comment: 'A folder of the engine imports only what stands below it.',
  severity: 'error',
  from: { ...sources, path: engine(names) },
  to: { path: engine(ENGINE.slice(0, index + 1).flat()) },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-cycle',
      comment: 'Files that import each other, types included, can only be read together.',
      severity: 'error',
      from: sources,
      to: { circular: true },
    },
    ...upward,
    ...upwardInEngine,
    {
      name: 'no-import-upward-from-shared-files',
      comment:
        'The files of src/runtime/ itself are shared by its folders, so they import none above them.',
      severity: 'error',
      from: { ...sources, path: '^src/runtime/[^/]+$' },
      to: { path: engine(ENGINE.slice(0, -1).flat()) },
    },
    {
      name: 'no-unknown-folder-in-runtime',
      comment: 'A new folder of the engine gets a place among the folders above.',
      severity: 'error',
      from: { path: '^src/runtime/[^/]+/', pathNot: engine(ENGINE.flat()) },
      to: {},
    },
    {
      name: 'no-import-upward-from-base',
      comment: 'Every layer may import these files, so they import none.',
      severity: 'error',
      from: { path: `^src/(${BASE.join('|')})\\.ts$` },
      to: { path: folders(LAYERS.flat()) },
    },
    {
      name: 'no-import-of-index',
      comment: 'src/index.ts names what is public, and stands above everything.',
      severity: 'error',
      from: { ...sources, path: folders(LAYERS.slice(2).flat()) },
      to: { path: '^src/index\\.ts$' },
    },
    {
      name: 'no-unknown-folder',
      comment: 'A new folder of src/ gets a place among the layers above.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: folders(LAYERS.flat()) },
      to: {},
    },
    {
      name: 'no-package-in-core',
      comment: 'src/core/ decides and does nothing else: no package, no module of Node.js.',
      severity: 'error',
      from: { ...sources, path: '^src/core/' },
      to: { pathNot: '^src/' },
    },
    {
      name: 'no-client-library-in-engine',
      comment: 'The engine knows no client library: src/drivers/ and src/client/ adapt it.',
      severity: 'error',
      from: { ...sources, path: folders(['runtime', 'options', 'diagnostics', 'core']) },
      to: { path: '(^|/)node_modules/(@redis|redis)' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.test\\.ts$' },
    enhancedResolveOptions: { conditionNames: ['import', 'types'], exportsFields: ['exports'] },
  },
};
