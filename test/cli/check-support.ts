/** Runs `check --json` and judges the document by its schema. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { expect } from 'vitest';
import type { CheckReport, Finding } from '../../src/cli/check/report.js';
import { directory, run } from './run.js';

const finding = {
  type: 'object',
  additionalProperties: false,
  required: ['check', 'level', 'text'],
  properties: {
    check: { type: 'string' },
    level: { enum: ['ok', 'note', 'warning', 'problem', 'skipped'] },
    text: { type: 'string', minLength: 1 },
  },
};
const findings = { type: 'array', items: finding };
const orNull = (type: string) => ({ type: [type, 'null'] });
const reportSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['report', 'target', 'ok', 'counts', 'databases', 'replication', 'between', 'options'],
  properties: {
    report: { const: 'check' },
    target: { type: 'string' },
    ok: { type: 'boolean' },
    whatIf: { type: 'object' },
    counts: { type: 'object', additionalProperties: { type: 'integer' } },
    databases: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: [
          'id',
          'address',
          'topology',
          'weight',
          'reachable',
          'latencyMs',
          'version',
          'role',
          'certificateDaysLeft',
          'findings',
        ],
        properties: {
          id: { type: 'string' },
          address: { type: 'string' },
          topology: { type: 'string' },
          weight: { type: 'number' },
          reachable: { type: 'boolean' },
          latencyMs: orNull('number'),
          version: orNull('string'),
          role: orNull('string'),
          certificateDaysLeft: orNull('number'),
          findings,
        },
      },
    },
    replication: {
      type: 'array',
      items: {
        type: 'object',
        required: ['from', 'to', 'afterMs'],
        properties: { from: { type: 'string' }, to: { type: 'string' }, afterMs: orNull('number') },
      },
    },
    between: findings,
    options: findings,
  },
};
const isReport = new Ajv({ allowUnionTypes: true }).compile(reportSchema);

export async function check(
  ...args: string[]
): Promise<{ code: number | null; report: CheckReport; all: Finding[] }> {
  const { code, stdout, stderr } = await run(['check', '--json', '--timeout', '5s', ...args]);
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as CheckReport;
  expect(isReport(report), JSON.stringify(isReport.errors)).toBe(true);
  const all = [
    ...report.databases.flatMap((each) => each.findings),
    ...report.between,
    ...report.options,
  ];
  return { code, report, all };
}

export function config(name: string, content: unknown): string {
  const file = path.join(directory, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

export const of = (all: readonly Finding[], name: string) =>
  all.filter((each) => each.check === name);
