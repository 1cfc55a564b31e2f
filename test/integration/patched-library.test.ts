/** Instrumentations that replace methods of node-redis see the commands of this client as well. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { servers } from './support.js';

const program = path.join(import.meta.dirname, 'patched-process.ts');

async function run(kind: 'otel' | 'datadog', url: string) {
  const args = ['--import', 'tsx', program, kind, url];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 110_000 });
  return JSON.parse(stdout);
}

it('gives the spans of OpenTelemetry that a plain client has', async () => {
  const [east] = await servers(1);
  const { theirs, ours, own, late, failed } = await run('otel', east.url);
  expect(theirs.spans.length).toBe(11);
  expect(theirs.spans.every(({ port }: { port: number }) => port === east.port)).toBe(true);
  expect(ours).toEqual(theirs);
  expect([own.spans, late, failed]).toEqual([[], 'ClientClosedError', false]);
});

it('gives the commands that Datadog sees of a plain client', async () => {
  const [east] = await servers(1);
  const { theirs, ours, own, late, failed } = await run('datadog', east.url);
  expect(ours.replies).toEqual(theirs.replies);
  // A plain client gets its address from `createClient()`; this one has that of the active database.
  expect(ours.seen).toEqual(theirs.seen.map((each: string) => `${each} ${east.port}`));
  expect(theirs.seen.length).toBe(13);
  expect(own.seen.filter((each: string) => /PING|ID/.test(each))).toEqual([]);
  expect([late, failed]).toEqual(['ClientClosedError', false]);
});
