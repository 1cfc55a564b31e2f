/** A small fleet of real processes; `npm run test:fleet` is the large one. */
import { afterAll, expect, it } from 'vitest';
import { stopAll } from '../kit/index.js';
import { runFleet } from './fleet.js';

afterAll(stopAll);

it('is drained while a region is lost, and returns: no read fails, no write happens twice', async () => {
  const lines: string[] = [];
  const report = await runFleet({
    members: 6,
    spreadMs: 1500,
    pauseMs: 50,
    timeoutMs: 1000,
    log: (line) => lines.push(line),
  }).catch((error) => {
    throw new Error(`${error}\n${lines.join('\n')}`);
  });
  expect(report.readErrors).toEqual([]);
  expect(report.ledgerErrors).toEqual([]);
  expect(new Set(report.activeDatabases)).toEqual(new Set(['east']));
  expect(report.reads).toBeGreaterThan(100);
  expect(report.acknowledged).toBeGreaterThan(100);
}, 300_000);
