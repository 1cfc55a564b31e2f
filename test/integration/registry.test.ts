/** node-redis's registry of clients, which `OpenTelemetry.init()` makes, keeps nothing of ours. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import * as library from '@redis/client';
import { expect, it } from 'vitest';
import { startCluster } from '../kit/index.js';
import { servers } from './support.js';

const run = promisify(execFile);
const version = 'DEFAULT_RESP' in library ? '6' : '5';

it('clients, duplicates, transactions and connections leave it when they are closed', async () => {
  const [east, west] = await servers();
  const cluster = await startCluster({ masters: 1, replicasPerMaster: 0 });
  const script = path.join(import.meta.dirname, 'registry-process.ts');
  const port = String(cluster.masters[0]?.port);
  const { stdout } = await run(process.execPath, [
    '--expose-gc',
    '--import',
    'tsx',
    script,
    version,
    east.url,
    west.url,
    port,
  ]);
  const { clients, ...left } = JSON.parse(stdout);
  expect(clients).toBeGreaterThan(100);
  expect(left).toEqual({ registered: [], inMemory: 0 });
});
