/**
 * Every command of docs/runbook.md as printed, in its order, against two real servers and an
 * application. What it prints must be the text below it, apart from times, versions, names and
 * addresses; a line `...` stands for any lines. Commands that only look are repeated until it is.
 */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadConfig } from 'redis-multidb/config';
import { afterAll, expect, it } from 'vitest';
import { placeOf } from '../../src/core/steering/spread.js';
import { createHttpHandler } from '../../src/http/index.js';
import { createMultiDbClient } from '../../src/index.js';
import { serveHandler, startRedis, stopAll, waitFor } from '../kit/index.js';
import { directory } from './run.js';

const root = path.resolve(import.meta.dirname, '../..');
const PRINTED_URL = 'http://127.0.0.1:3000/redis';
const STEP = /^<!-- runbook test: (.+) -->$|^```sh\n([\s\S]*?)\n```$|^```text\n([\s\S]*?)\n```$/gm;

const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
  await stopAll();
});

it('prints what the runbook says', { timeout: 600_000 }, async () => {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const file = path.join(directory, 'redis.json');
  const config = {
    databases: [
      { id: 'east', weight: 1, client: { url: east.url } },
      { id: 'west', weight: 0.5, client: { url: west.url } },
    ],
    steering: { source: 'redis', key: 'ops:steering', intervalMs: 50 },
  };
  writeFileSync(file, JSON.stringify(config));
  const url = await application(file);
  const shell = shellWith(url);
  const faults: Record<string, () => unknown> = {
    'east goes down': () => east.kill(),
    'east comes back, empty': async () => {
      await east.restart();
      await east.command('FLUSHALL');
    },
  };

  let command: string | undefined;
  let checked = 0;
  for (const [, fault, commands, printed] of runbook().matchAll(STEP)) {
    if (fault !== undefined) await faults[fault]?.();
    else if (commands !== undefined) command = commands;
    else if (command !== undefined && printed !== undefined) {
      const text = command;
      command = undefined;
      const isExpected = patternOf(printed);
      let output = await shell(text);
      if (!/ --yes /.test(text)) {
        await waitFor(
          async () => {
            if (isExpected.test(comparable(output))) return true;
            output = await shell(text);
            return false;
          },
          { what: text, timeoutMs: 120_000 },
        ).catch(() => {});
      }
      const matches = isExpected.test(comparable(output));
      expect(matches ? '' : comparable(output), text).toBe(matches ? '' : comparable(printed));
      checked += 1;
    }
  }
  expect(command).toBeUndefined();
  expect(checked).toBeGreaterThan(15);
});

function runbook(): string {
  return readFileSync(path.join(root, 'docs/runbook.md'), 'utf8');
}

/** An application with the config file. Returns the URL of its handler. */
async function application(file: string): Promise<string> {
  const client = createMultiDbClient({
    ...(await loadConfig(file)),
    // Among the first in every window.
    instanceId: firstInstance(),
    // What is down refuses; what is slow is only the machine.
    healthCheck: { intervalMs: 200, timeoutMs: 10_000, numProbes: 1 },
    gracePeriodMs: 500,
    failbackCheckIntervalMs: 500,
  });
  client.on('error', () => {});
  await client.connect();
  const handler = createHttpHandler(client, { basePath: '/redis' });
  const { url, close } = await serveHandler(handler);
  closing.push(close, () => client.destroy());
  return `${url}/redis`;
}

function firstInstance(): string {
  for (let index = 0; ; index += 1) if (placeOf(`pod-${index}`) < 0.0003) return `pod-${index}`;
}

/** Runs commands as they are printed; `npx redis-multidb` is what is built. */
function shellWith(url: string): (commands: string) => Promise<string> {
  const bin = path.join(directory, 'bin');
  mkdirSync(bin);
  const npx = path.join(bin, 'npx');
  const main = path.join(root, 'dist/cli/main.js');
  writeFileSync(npx, `#!/bin/sh\nshift\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(npx, 0o755);
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, NO_COLOR: '1' };
  return (commands) =>
    new Promise((resolve) => {
      const text = commands.replaceAll(PRINTED_URL, url);
      execFile('sh', ['-c', text], { cwd: directory, env }, (_, stdout, stderr) => {
        resolve(`${stdout}${stderr}`);
      });
    });
}

/** Without what differs from run to run, and without the line breaks that depend on it. */
function comparable(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z|\d\d:\d\d:\d\d\.\d{3}Z/g, 'TIME')
    .replace(/\b\d{10}\b/g, 'VERSION')
    .replace(/[\w.-]+@[\w.-]+/g, 'WHO')
    .replace(/\b\d+(\.\d+)? m?s\b/g, 'DURATION')
    .replace(/127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replace(/\b(Redis|Valkey) \d+(\.\d+)+/g, 'SERVER')
    .replace(/\s+/g, ' ')
    .trim();
}

function patternOf(printed: string): RegExp {
  const parts = printed
    .split(/^ *\.\.\.$/m)
    .map((part) => comparable(part).replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
