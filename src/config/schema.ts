/** The JSON schema of a config file, generated from the table of options. */
import { CLIENT_NAMES, SOCKET_NAMES } from '../options/client-names.js';
import { DEFAULTS, type OptionName } from '../options/defaults.js';
import type { OptionEntry } from '../options/option-entry.js';
import { type JsonSchema, MAX_TIMER_MS } from '../validation/rules.js';
import { STEERING_SOURCES } from './steering.js';
import { STRATEGY_SCHEMAS } from './strategy-schemas.js';

type Properties = Record<string, JsonSchema>;

/** Options that take functions or classes, which a file can't contain. */
export const NOT_IN_A_FILE: ReadonlySet<string> = new Set<OptionName>([
  'commandRetry.includedErrors',
  'commandRetry.ignoredErrors',
  'failureDetector.detector',
  'failureDetector.includedErrors',
  'failureDetector.ignoredErrors',
  'fallbackErrors',
  'beforeFailback',
  'databases[].beforeFailback',
  'onPromotionNeeded',
]);

/** Options of node-redis that a file can't contain either, in every object like `client`. */
export const CLIENT_NOT_IN_A_FILE: ReadonlySet<string> = new Set([
  'modules',
  'scripts',
  'functions',
  'credentialsProvider',
  'reserveClient',
]);

const VARIABLE = '\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}';

const number = (schema: object = {}) => orVariable({ type: 'number', ...schema });
const integer = (schema: object = {}) => orVariable({ type: 'integer', ...schema });
const flag = orVariable({ type: 'boolean' });
const text = { type: 'string' };
const textOrFile = { $ref: '#/$defs/textOrFile' };

/** Properties with any value: only the name is checked, and node-redis validates the value. */
function named(names: readonly string[]): Properties {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

/** The options of node-redis that are checked here; the others are passed through. */
const SOCKET: Properties = {
  ...named(SOCKET_NAMES),
  host: text,
  port: integer({ minimum: 1, maximum: 65_535 }),
  path: text,
  tls: flag,
  connectTimeout: number({ minimum: 0 }),
  keepAlive: flag,
  keepAliveInitialDelay: number({ minimum: 0 }),
  noDelay: flag,
  servername: text,
  rejectUnauthorized: flag,
  ca: textOrFile,
  cert: textOrFile,
  key: textOrFile,
  passphrase: textOrFile,
};

const CLIENT: Properties = {
  ...named(CLIENT_NAMES),
  url: text,
  username: textOrFile,
  password: textOrFile,
  name: text,
  database: integer({ minimum: 0 }),
  RESP: orVariable({ enum: [2, 3] }),
  keyPrefix: text,
  socket: { type: 'object', properties: SOCKET, additionalProperties: false },
  ...Object.fromEntries([...CLIENT_NOT_IN_A_FILE].map((name) => [name, { not: {} }])),
};

const client = { $ref: '#/$defs/client' };
const nodes = { type: 'array', minItems: 1 };

/**
 * Maps `host:port` as the deployment reports a server to an address that can be reached from here.
 */
const nodeAddressMap = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    required: ['host', 'port'],
    properties: { host: text, port: SOCKET.port },
    additionalProperties: false,
  },
};

const GRACE_PERIOD: JsonSchema = {
  anyOf: [
    number({ minimum: 0, maximum: MAX_TIMER_MS }),
    {
      type: 'object',
      required: ['baseMs', 'maxMs'],
      properties: {
        baseMs: number({ minimum: 1, maximum: MAX_TIMER_MS }),
        maxMs: number({ minimum: 1, maximum: MAX_TIMER_MS }),
      },
      additionalProperties: false,
    },
  ],
};

/** Options with parts that are not in the table. */
const SHAPES: Readonly<Record<string, JsonSchema>> = {
  client,
  'databases[].client': client,
  'databases[].cluster': {
    type: 'object',
    required: ['rootNodes'],
    properties: {
      rootNodes: { ...nodes, items: client },
      defaults: client,
      minimizeConnections: flag,
      useReplicas: flag,
      maxCommandRedirections: integer({ minimum: 0 }),
      nodeAddressMap,
    },
  },
  'databases[].sentinel': {
    type: 'object',
    required: ['name', 'sentinelRootNodes'],
    properties: {
      name: text,
      sentinelRootNodes: {
        ...nodes,
        items: { type: 'object', properties: { host: text, port: SOCKET.port } },
      },
      nodeClientOptions: client,
      sentinelClientOptions: client,
      masterPoolSize: integer({ minimum: 1 }),
      replicaPoolSize: integer({ minimum: 0 }),
      scanInterval: number({ minimum: 0 }),
      nodeAddressMap,
    },
  },
  healthCheck: { $ref: '#/$defs/healthChecks' },
  'databases[].healthCheck': { $ref: '#/$defs/healthChecks' },
  'healthCheck.policy': { enum: ['ALL_SUCCESS', 'ANY_SUCCESS', 'MAJORITY_SUCCESS'] },
  steering: { $ref: '#/$defs/steering' },
  gracePeriodMs: { ...GRACE_PERIOD, default: DEFAULTS.gracePeriodMs.default },
  'databases[].gracePeriodMs': GRACE_PERIOD,
  preloadFunctions: { type: 'array', items: text },
  proxyErrors: { type: 'array', items: { ...text, minLength: 1 } },
  selection: { enum: ['first', 'lowest-latency'] },
  initializationPolicy: { enum: ['ONE_AVAILABLE', 'MAJORITY_AVAILABLE', 'ALL_AVAILABLE'] },
};

/**
 * Returns the schema of a config file for `loadConfig`, draft 7, which every editor supports. A
 * variable may replace a number or a flag, as a string.
 */
export function configSchema(): JsonSchema {
  const database = sectionOf('databases[]');
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of redis-multidb',
    type: 'object',
    required: ['databases'],
    additionalProperties: false,
    properties: {
      $schema: { type: 'string', description: 'Location of this schema, for editors.' },
      ...sectionOf(''),
      databases: {
        description: DEFAULTS.databases.meaning,
        type: 'array',
        minItems: 1,
        items: { type: 'object', additionalProperties: false, properties: database },
      },
    },
    $defs: {
      textOrFile: {
        description: 'A string, or `{ "file": "path" }` for the content of a file.',
        anyOf: [
          text,
          {
            type: 'object',
            required: ['file'],
            properties: { file: text },
            additionalProperties: false,
          },
        ],
      },
      client: { type: 'object', properties: CLIENT, additionalProperties: false },
      steering: {
        anyOf: [
          { $ref: '#/$defs/steeringSource' },
          { type: 'array', minItems: 1, items: { $ref: '#/$defs/steeringSource' } },
        ],
      },
      steeringSource: {
        anyOf: Object.entries(STEERING_SOURCES).map(([name, { required, properties }]) => ({
          type: 'object',
          additionalProperties: false,
          required: ['source', required],
          properties: { source: { const: name }, ...withVariables(properties) },
        })),
      },
      healthChecks: {
        anyOf: [
          { const: false },
          { $ref: '#/$defs/healthCheck' },
          { type: 'array', minItems: 1, items: { $ref: '#/$defs/healthCheck' } },
        ],
      },
      healthCheck: {
        anyOf: [
          { enum: Object.keys(STRATEGY_SCHEMAS) },
          ...Object.entries(STRATEGY_SCHEMAS).map(([name, properties]) =>
            strategySchema(name, properties),
          ),
        ],
      },
    },
  };
}

function withVariables(properties: Readonly<Properties>): Properties {
  return Object.fromEntries(
    Object.entries(properties).map(([each, schema]) => [each, orVariable(schema)]),
  );
}

function strategySchema(name: string, properties: Readonly<Properties>) {
  const { strategy: _strategy, ...timing } = sectionOf('healthCheck');
  return {
    type: 'object',
    additionalProperties: false,
    // The default strategy is `ping`.
    ...(name === 'ping' ? {} : { required: ['strategy'] }),
    properties: { strategy: { const: name }, ...timing, ...withVariables(properties) },
  };
}

/** The options directly below `section`, as properties. */
function sectionOf(section: string): Properties {
  const found: Properties = {};
  for (const [path, entry] of Object.entries(DEFAULTS) as [OptionName, OptionEntry<unknown>][]) {
    const dot = path.lastIndexOf('.');
    if ((dot < 0 ? '' : path.slice(0, dot)) !== section || NOT_IN_A_FILE.has(path)) continue;
    found[path.slice(dot + 1)] = { description: entry.meaning, ...optionSchema(path, entry) };
  }
  for (const part of nestedIn(section)) found[part] = nested(section, part, found[part]);
  return found;
}

/**
 * Parts that only appear in the names of their options: `commandRetry` in
 * `commandRetry.maxAttempts`.
 */
function nestedIn(section: string): readonly string[] {
  const prefix = section === '' ? '' : `${section}.`;
  const names = Object.keys(DEFAULTS)
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length).split('.'))
    .filter((parts) => parts.length === 2 && !parts[0]?.endsWith('[]'))
    .map(([first = '']) => first);
  const shaped = section === 'databases[]' ? ['failureDetector'] : [];
  return [...new Set([...names, ...shaped])].filter((name) => name !== 'healthCheck');
}

function nested(section: string, part: string, own: JsonSchema | undefined): JsonSchema {
  const path = section === '' || part === 'failureDetector' ? part : `${section}.${part}`;
  return { ...own, type: 'object', additionalProperties: false, properties: sectionOf(path) };
}

function optionSchema(path: OptionName, { rule, default: byDefault }: OptionEntry<unknown>) {
  const shape = SHAPES[path];
  if (shape !== undefined) return shape;
  const schema = orVariable(rule.schema ?? {});
  return byDefault === undefined ? schema : { ...schema, default: byDefault };
}

/** Numbers, flags and choices may also be a string with a variable in it. */
function orVariable(schema: JsonSchema): JsonSchema {
  const { type } = schema;
  const isScalar = type === 'number' || type === 'integer' || type === 'boolean';
  const needsMore = isScalar || 'enum' in schema || 'anyOf' in schema;
  return needsMore ? { anyOf: [schema, { type: 'string', pattern: VARIABLE }] } : schema;
}
