// The package as its users have it: `npm run test:consumers`. Each row is a project that installs the
// packed package, compiles it, and fails over with two real servers. It takes about ten minutes and
// needs the npm registry. `npm test` runs a part of it (the step `consumers`).

import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { NotAvailableError } from './consumers/project.mjs';
import { ROWS } from './consumers/rows.mjs';
import { ensureRedis } from './ensure-redis.mjs';
import { clientPackage, optionalPeers, pack } from './packed.mjs';
import { root, run } from './run.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    built: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const HELP = `Usage: npm run test:consumers [-- [--only <row>]... [--built]]

Rows: ${ROWS.map(({ name }) => name).join(', ')}

--built takes dist/ as it is. A row that can't be set up on this machine is reported and not counted
as a failure. The last line of the output counts the rows.
`;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

process.chdir(root);
const unknown = values.only.filter((name) => !ROWS.some((row) => row.name === name));
if (values.help || unknown.length > 0) {
  if (unknown.length > 0) console.log(`Unknown row: ${unknown.join(', ')}\n`);
  console.log(HELP);
  process.exitCode = values.help ? 0 : 2;
} else {
  const temporary = realpathSync(mkdtempSync(path.join(tmpdir(), 'redis-multidb-consumers-')));
  process.once('exit', () => rmSync(temporary, { recursive: true, force: true }));
  await perform(temporary);
}

/** @param {string} temporary */
async function perform(temporary) {
  console.log(ensureRedis());
  if (!values.built) await run(process.execPath, ['scripts/build.mjs']);
  const tarball = await pack(temporary);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, perform } of ROWS) {
    if (values.only.length > 0 && !values.only.includes(name)) continue;
    const directory = path.join(temporary, name);
    const begun = performance.now();
    let text = 'passed';
    try {
      await perform({
        directory,
        tarball,
        packages: [tarball, clientPackage()],
        peers: optionalPeers(),
      });
      counts.passed += 1;
    } catch (error) {
      const isMissing = error instanceof NotAvailableError;
      const message = error instanceof Error ? error.message : String(error);
      text = isMissing ? `not available on this machine: ${message}` : `FAILED\n${message}`;
      counts[isMissing ? 'skipped' : 'failed'] += 1;
    }
    console.log(`${name}: ${text} (${((performance.now() - begun) / 1000).toFixed(0)} s)`);
    rmSync(directory, { recursive: true, force: true });
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  if (counts.failed > 0) process.exitCode = 1;
}
